# make app    opens the app on the bundled model       (needs Python 3.11 or newer, nothing else)
# make test   passes the whole gate, as a release does  (needs a Chromium too, for the tests that open the app in a browser)
# make help   lists the rest

PYTHON  ?= python3
ADDRESS ?= localhost
PORT    ?= 8501
WORKERS ?= 2
COVERED ?= 92

APP  := .venv
DEV  := .venv-dev
PIP  := -m pip --disable-pip-version-check --require-virtualenv install -qq --progress-bar off --no-compile
TIDY := src tests research $(wildcard scripts benchmarks notebooks)

# What each environment imports once after installation. That leaves bytecode for what is used, a third of what there is, in half
# the time; without bytecode every process would compile its imports anew (TensorFlow: about 20 s instead of 5).
$(APP)/.package: WARM := streamlit.web.bootstrap, altair, click, onnxruntime, pandas, pyarrow, rapidfuzz, xlsxwriter
$(DEV)/.package: WARM := streamlit.testing.v1, altair, catboost, click, hypothesis, keras, lightgbm, matplotlib.pyplot, mlflow, \
	onnxruntime, optuna, playwright.sync_api, pytest, scipy.stats, shap, sklearn.linear_model, tensorflow, tf2onnx, xgboost
unexport PYTHONDONTWRITEBYTECODE PIP_NO_COMPILE PIP_USER PYTHONHOME PYTHONPATH
# OpenMP threads that wait must not spin: two busy processes on two cores would never let each other finish.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: docs docs-check docs-site help app install install-dev test format lint types layers tests browser mutants torture spark uvx tidy lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the app ---------------------------------------------------------------------------------------------------------

app: install ## install what serving needs into .venv and open the app (PORT=8501, ADDRESS=localhost, PYTHON=python3)
	$(APP)/bin/python -m streamlit run src/mlpaygrade/app/main.py --server.port $(PORT) --server.address $(ADDRESS)

install: $(APP)/.package ## the app's and the command line's environment, without the training stack
install-dev: $(DEV)/.package ## the environment of training and of the gate

$(APP)/.requirements: requirements/app.txt
$(DEV)/.requirements: requirements/dev.txt

# A stamp is written after its step has succeeded, so an interrupted installation is taken up again.
%/.requirements:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "MLPayGrade needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments (Debian and Ubuntu keep that part in the package python3-venv). Install it, or name another Python: make $(MAKECMDGOALS) PYTHON=..." >&2; exit 1; }
	@echo "Installing $< into $* (once)..."
	@test -x $*/bin/python || $(PYTHON) -m venv $*
	@$*/bin/python $(PIP) --require-hashes --requirement $< || { \
		echo "Installing $< failed. It downloads through pip, so check the network or pip's index settings; run the same command again to go on." >&2; exit 1; }
	@touch $@

%/.package: %/.requirements pyproject.toml
	@$*/bin/python $(PIP) --no-deps --no-build-isolation --no-index --editable .
	@TF_CPP_MIN_LOG_LEVEL=3 $*/bin/python -c 'import mlpaygrade, $(WARM)'
	@touch $@

.PRECIOUS: %/.requirements %/.package

# --- the gate --------------------------------------------------------------------------------------------------------

test: format lint types layers docs-check docs-site tests ## the whole gate: format, lint, strict types, import layers, documentation, tests

format: $(DEV)/.package ## is everything formatted
	$(DEV)/bin/python -m ruff format --check $(TIDY)

lint: $(DEV)/.package ## ruff's rules
	$(DEV)/bin/python -m ruff check $(TIDY)

types: $(DEV)/.package ## mypy, strict
	$(DEV)/bin/python -m mypy

layers: $(DEV)/.package ## who may import whom
	PYTHONPATH=. $(DEV)/bin/lint-imports

docs-check: $(DEV)/.package ## are the generated parts of the documentation up to date
	PYTHONPATH=. $(DEV)/bin/python scripts/docs.py --check

docs-site: $(DEV)/.package ## build the documentation site into site/; a link that leads nowhere fails
	$(DEV)/bin/python scripts/site.py

tests: $(DEV)/.package browser ## unit, property, oracle and end-to-end tests, and their coverage (WORKERS=2; TESTS="-k name" to choose)
	$(DEV)/bin/python $(if $(TESTS),,-m slipcover --json --out .coverage.json) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)
	$(if $(TESTS),,$(DEV)/bin/python -m slipcover --merge .coverage.json --out .coverage.json --fail-under $(COVERED) --skip-covered)

# Where MLPAYGRADE_REQUIRE_BROWSER is set, as the continuous integration does, a missing browser is a failure; elsewhere it is said.
browser:
	@command -v chromium >/dev/null || { \
		echo "No 'chromium' on the PATH: the tests that open the app in a browser cannot run. On Debian: apt-get install chromium" >&2; \
		test -z "$$MLPAYGRADE_REQUIRE_BROWSER"; }

mutants: $(DEV)/.package ## plant mistakes, by hand and at random, and see that tests catch them (outside the gate; NUMBERS="1 2" to choose)
	$(DEV)/bin/python benchmarks/mutants.py $(NUMBERS)
	$(if $(NUMBERS),,$(DEV)/bin/python benchmarks/mutation.py)

torture: $(DEV)/.package ## faults on purpose, counted in docs/reliability.md (FULL=1: ten times as many, at most 30 minutes)
	$(DEV)/bin/python benchmarks/torture.py $(if $(FULL),--full)

spark: $(DEV)/.package ## install PySpark and test `mlpaygrade.spark` on a local Spark (outside the gate; needs Java 17)
	$(DEV)/bin/python $(PIP) 'pyspark>=3.5'
	$(DEV)/bin/python -m pytest tests/test_spark.py

WHEEL := build/wheel
uvx: $(DEV)/.package ## build a wheel and ask it with uvx, in an environment of its own (outside the gate; fetches its few libraries)
	rm -rf $(WHEEL)
	$(DEV)/bin/uv build --quiet --wheel --out-dir $(WHEEL) .
	cd $(WHEEL) && $(CURDIR)/$(DEV)/bin/uvx --quiet --isolated --from ./mlpaygrade-*.whl \
		mlpaygrade predict --title "Data Scientist" --experience SE --location US

tidy: $(DEV)/.package ## format and repair what ruff can
	$(DEV)/bin/python -m ruff format $(TIDY)
	$(DEV)/bin/python -m ruff check --fix $(TIDY)

# --- upkeep ----------------------------------------------------------------------------------------------------------

docs: $(DEV)/.package ## rewrite the generated parts of the documentation
	PYTHONPATH=. $(DEV)/bin/python scripts/docs.py

lock: $(DEV)/.package ## regenerate requirements/*.txt from pyproject.toml (UPGRADE=1 moves to the newest versions)
	LOCK_WITH=$(CURDIR)/$(DEV)/bin/uv UPGRADE=$(UPGRADE) requirements/lock.sh

clean: ## remove both environments and the caches of the tools
	rm -rf $(APP) $(DEV) .coverage.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
