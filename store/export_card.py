"""The dataset card: what the configurations hold, column by column, and which file is whose. No text of others."""

from collections.abc import Mapping

from store.export_folder import MARK
from store.export_tables import CONFIGURATIONS, SIDE_TABLES, table_path
from store.splits import SPLITS

_TEXT = """
# Answered premises

Premises that a language model argued from and that people then judged, what their answers settle, and which arguments
survived them. Made by `argtree export`.

    datasets.load_dataset(FOLDER, "beliefs")

A configuration or a split without rows has no file.

## For trainers

| configuration | columns | rows |
|---|---|---|
| `beliefs` | `prompt`, `completion` (lists of one message), `prob`, `weight` | what people said. A claim gives two rows: whether it is true, and whether it is false. `prob` is P(yes), the soft target, from the answers alone (even prior odds), each weighted by how far its rater is believed; `completion` is the likelier of yes and no; `weight` is 1 |
| `inferred` | the same | claims that nobody answered and whose posterior the answers elsewhere pushed past 0.95 or below 0.05. `prob` is the posterior turned into P(yes). `weight`, in (0, 1]: of the way from the posterior without the answers to certainty, the share that the answers made it go |
| `values` | the same | explored roots and, where more positions a tree were asked for, argued claims under them: what exploring found, for the direct answer to learn. `prob` is the posterior, with the model's own direct belief in the claim (the first that was asked for) as evidence to the power 0.5 |
| `sft` | `prompt`, `completion` | arguments that survived, as the reply to the request for arguments; and settled claims, with the chain of settled premises that gives the answer |
| `dpo` | `prompt`, `chosen`, `rejected` | an argument that survived against one about the same claim that failed; of the same polarity (for, or against) where the claim has such. And of two about the same claim the one that raters prefer (`basis` is `preference`), where their comparisons together give P(better) of at least 0.75 (see below) |
| `reward` | the same | the same |
| `kto` | `prompt`, `completion`, `label` | each of these arguments singly: true where it survived. And arguments that their premises do not decide and raters compared: true where it is only ever the preferred one of such a pair, false where it is only ever the other |
| `prm` | `prompt`, `completions`, `labels` (texts, not messages) | an argument step by step: each step says that a claim holds or does not, `labels` whether that is so. A chain ends with its first wrong step; one whose premises all hold ends with the answer, if that is settled |

An argument *survived* if all its premises are settled as it takes them, and *failed* if one is settled the other way.
Where that cannot be told it survived if it moved a root by at least 0.01 to the side on which the root is settled (to
first order: strength, times the probability that its premises are as it takes them, times the difference that its
conclusion makes to the root). A claim is settled where its label is beyond 0.95 or below 0.05, or where it is in
`inferred`.

Raters' comparisons of two arguments about one claim, of up to eight in a tournament, give each argument a strength (model
of Bradley and Terry with ties after Davidson; Gaussian prior; all raters count the same). P(better) is its posterior, so
a pair may be there that nobody compared. Settled premises win: no pair contradicts them, an argument that failed is
never preferred, and no pair stands in both directions.

## Splits

By root family: a root with everything under it. A root's split follows from the SHA-256 of its claim's normalised text,
so it stays the same from export to export. A row belongs to the strictest split (test, then validation, then train) of
all roots that any claim in it bears on; so nothing that stands in a test root's tree trains. Where a train root shares a
premise with a held-out one, the posterior of the train root may rest on an answer about that premise; its text does not
train.

A row is refused where a claim in it is nearly one of a stricter split: the same numbers and as many negations, and a
Jaccard index of at least 0.8 over pairs of neighbouring words (without articles, forms of *to be*, words like *very*,
and plural s). `refused` lists those claims.

## Side tables

`premises`, one row for each answered claim:

| column | is |
|---|---|
| `claim`, `text` | the claim's id in the argument graph, and the proposition |
| `split` | where it belongs |
| `label` | `yes` or `no`: what all answers together are taken to mean; empty where they balance |
| `label_prob` | probability that the claim is true, from the answers alone (even prior odds), each weighted by how far its rater is believed |
| `settled` | whether `label_prob` is beyond 0.95 or below 0.05 |
| `n_answers` | answers that say something, so without `cannot_say` |
| `answers` | each with `answer` (its number), `rater`, `kind` (`yes`, `no`, `probability`, `cannot_say`), `prob` (stated), `note`, `source` (a link that the rater gave, or empty), `reason` (for `cannot_say`, where one was given: `unknown`, `unclear`, `too_long`), `answered_at` (UTC), `generation` (whose belief it was asked about), `value_when_asked` (value of information), `prob_before` (posterior when it was asked) |
| `paths` | for each root that the claim bears on: `root` (claim id), `question` and the shortest chain of arguments, `steps`, from the claim up: `argument`, `polarity`, `strength`, `holds` (whether the argument takes its premise as holding), `conclusion` (text) |

`quantities`, one row for each number that raters gave:

| column | is |
|---|---|
| `quantity`, `text`, `unit` | the quantity's id in the argument graph, what the number is, and its unit |
| `distribution` | what was known before any answer, in JSON as in argtree-graph/2 |
| `n_answers` | answers that give a number, so without `cannot_say` |
| `answers` | each with `answer`, `rater`, `kind` (`number`, `cannot_say`), `number` (in the unit), `sd` (of its error, as the rater states it), `note`, `source` (a link that the rater gave, or empty), `reason` (for `cannot_say`, where one was given: `unknown`, `unclear`, `too_long`), `answered_at` (UTC), `value_when_asked` |
| `claims` | the claims that rest on it: `claim` (id) and `text` |

`comparisons`, one row for each comparison that was neither taken back nor dismissed:

| column | is |
|---|---|
| `comparison` | its number |
| `claim`, `text` | what both arguments are about: the claim's id in the argument graph, and the proposition |
| `first`, `second` | the arguments' ids, as they were shown |
| `kind` | `first` or `second` (is better), `equal` or `cannot_say` |
| `rater`, `note`, `shown_at`, `answered_at` | who said it, with what remark, and when (UTC) |

`provenance`, one row for each row of a configuration:

| column | is |
|---|---|
| `configuration`, `split`, `row` | which row, counted from 0 |
| `claim` | the claim that it is about |
| `basis` | `said` (by people), `inferred` (from what they said elsewhere), `moved` (a root to the settled side), `preference` (raters' comparisons) or `posterior` |
| `argument`, `rejected` | the argument's id, the first where there are several; of a pair the two |
| `generation` | the model that proposed the argument, or whose belief the newest answer was about |
| `root`, `n_roots` | the first root that the claim bears on, and how many there are |
| `answers`, `n_answers`, `raters` | the numbers of the answers that it rests on (at or under the claim; the first 100), how many there are, and whose they are |
| `comparisons`, `n_comparisons` | likewise of the comparisons that it rests on (all of its tournament); then `raters` are theirs |

`refused`: `claim`, `text` and `split` of a claim that was kept out, and `like`, `like_text`, `like_split` and `likeness`
of the one that it is nearly the same as.

## Notes

Raters' names are in it as they gave them: agree with them before publishing. Answers were not chosen at random: the
questions asked are those that would move the roots most. `croissant.json` has the SHA-256 of every table.
"""  # noqa: E501 (rows of a table)


def card(counts: Mapping[str, int]) -> str:
    """Returns the card of a dataset that has these files, with their rows."""
    lines = ["---", "tags:", f"- {MARK}", "configs:"]
    is_first = True
    for name in (*CONFIGURATIONS, *SIDE_TABLES):
        splits = [None] if name in SIDE_TABLES else [*SPLITS]
        files = [(split or "train", table_path(name, split)) for split in splits if table_path(name, split) in counts]
        if files:
            lines += [f"- config_name: {name}", *(["  default: true"] if is_first else []), "  data_files:"]
            lines += [line for split, path in files for line in (f"  - split: {split}", f"    path: {path}")]
            is_first = False
    return "\n".join([*lines, "---"]) + _TEXT
