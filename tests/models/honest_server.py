"""A real model behind the server of these tests, so that the whole way is gone over real HTTP."""

from collections.abc import Callable
from threading import Lock

from models.errors import PromptTooLongError
from models.hf import HfModel
from tests.models.faulty_server import Body, RefusalError, completion


def honest(model: HfModel) -> Callable[[Body], Body]:
    """Answers with what the model says, and with the likeliest of its first tokens where they are asked for."""
    lock = Lock()

    def answer(body: Body) -> Body:
        prompt = body["messages"][0]["content"]
        options = {name: body[name] for name in ("max_tokens", "temperature", "seed")}
        try:
            with lock:
                (reply,) = model.complete([prompt], {}, **options)
                alternatives = likeliest(model, prompt, body["top_logprobs"]) if body.get("logprobs") else None
        except PromptTooLongError as exc:
            raise RefusalError(400, str(exc), code="context_length_exceeded") from exc
        return completion(reply.text, alternatives, reply.prompt_tokens, reply.reply_tokens)

    return answer


def likeliest(model: HfModel, prompt: str, count: int) -> dict[str, float]:
    """Log-probabilities of the likeliest first tokens by their text."""
    log_probs, ids = model._reader.read([model._prompt_ids(prompt)])[0][0, 0].topk(count)
    tokens = [model.tokenizer.decode([token]) for token in ids.tolist()]
    return dict(zip(tokens, log_probs.tolist(), strict=True))
