# make demo | make test | make check | make install. Everything goes into .venv; nothing is installed elsewhere, but for
# Chromium, which `make test` takes from Debian's package if it may.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UI ?= 1
DEMO_STORE := sqlite:///demo/argtree.db
# llama-cpp-python compiles: without the parts that argtree does not use, for any processor of the kind.
CMAKE_ARGS := -DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF

.PHONY: install demo test check browser postgres clean

install: $(VENV)/.installed-all

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-checks: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/.installed-all: $(VENV)/.installed-checks
	CMAKE_ARGS="$(CMAKE_ARGS)" $(BIN)/python -m pip install --disable-pip-version-check -e '.[api,gguf,postgres,test]'
	touch $@

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/argtree explore --store $(DEMO_STORE) --budget 500 \
		"Would a box of nails beat a bowl of jelly in a fight?" \
		"Would a candle survive a drop from a roof?" \
		"Would honey be ruined by rain?"
	$(BIN)/argtree show 1 --store $(DEMO_STORE) --svg demo/tree.svg
ifneq ($(UI),0)
	$(BIN)/argtree ui --store $(DEMO_STORE)
endif

check: $(VENV)/.installed-checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: install browser postgres
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

# The page's tests drive a real Chromium; where it can't be had they skip and say so.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-sandbox fonts-dejavu-core; } \
		|| echo "Chromium is missing: the tests of the page in a real browser will be skipped (apt-get install chromium)."

# The store's tests run on PostgreSQL too, on a server of their own, where Debian's package is installed.
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
		|| echo "PostgreSQL is missing: the store will be tested on SQLite alone (apt-get install postgresql)."

clean:
	rm -rf $(VENV) demo build *.egg-info
