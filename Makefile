# Everything runs in .venv, which the first target that needs it makes.
# PYTHON=... chooses the interpreter, ARGS=... is handed to the tool behind demo and test.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= $(firstword $(foreach name,python3.14 python3.13 python3.12 python3.11 python3,$(shell \
  $(name) -c 'import ensurepip, sys, venv; sys.version_info >= (3, 11) and print("$(name)")' \
  2>/dev/null)))

# The tests start hundreds of processes, which are slow to start without compiled files.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo quick test test-django test-at bench bench-peers measure measure-instructions measure-recovery measure-looks measure-pages measure-workers measure-shards capacity screenshots failover soak-schedules fuzz-cron chaos chaos-statistics soak interleavings controls deadlocks mutants artifacts prove prove-long fuzz-functions check format build twins docs site sql extension clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(STAMP) ## Make .venv with the newest Python found (3.11 or newer) and install pgq in it

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 with venv found: install one (Debian:\
	 python3 and python3-venv) or run make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Index the standard library with a temporary Postgres of its own
	$(BIN)/python -m pgq demo $(ARGS)

quick: $(STAMP) ## Run the quick tests, about a minute, on one Postgres (tests/README.md says which)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 10 --quick $(ARGS)

# Three, also on two cores: many tests wait for a lease, a server or a process.
test: $(STAMP) ## Run all tests; those of the SQL functions on every Postgres found
	$(BIN)/python -m pytest -n 3 --dist worksteal --durations 10 $(ARGS)

test-django: $(STAMP) ## Run the tests of contrib.django with the other Django: 6.0 or newer, or 5.2
	.ci/test-django -n 3 --dist worksteal $(ARGS)

# make test-at AT='2027-03-28 00:45' ZONE=Europe/Berlin
ZONE ?= UTC
test-at: $(STAMP) build/false_clock.so ## Run tests (ARGS) as if it were AT (UTC) in ZONE, the servers' clocks too; Linux, needs cc
	@test -n "$(AT)" || { echo "say AT='2027-03-28 00:45'" >&2; exit 1; }
	TZ=$(ZONE) LD_PRELOAD=$(CURDIR)/build/false_clock.so \
	  FALSE_CLOCK=$$(($$(date -ud "$(AT)" +%s) - $$(date +%s))) \
	  $(BIN)/python -m pytest $(ARGS)

build/false_clock.so: tests/false_clock.c
	@mkdir -p build
	$(CC) -shared -fPIC -O2 -Wall -o $@ $<

bench: $(STAMP) ## Measure the queue beside bare statements (ten minutes), write docs/performance.md
	@mkdir -p build
	$(BIN)/python -m tests.proof.bench --json build/bench.json $(ARGS)
	$(BIN)/python -m tests.proof.bench.write_docs build/bench.json

bench-peers: $(STAMP) ## The same with other queues, which are installed in tests/proof/bench/.peers
	@mkdir -p build
	$(BIN)/python -m tests.proof.bench --peers --json build/bench-peers.json $(ARGS)
	$(BIN)/python -m tests.proof.bench.write_docs build/bench-peers.json

measure: $(STAMP) ## Print the engine's speed, a claim's cost with a backlog, and how late delayed jobs start
	$(BIN)/python -m tests.proof.measure_engine $(ARGS)
	$(BIN)/python -m tests.proof.measure_latency $(ARGS)

measure-instructions: $(STAMP) ## Print the instructions of an enqueue, a claim and a completion; needs valgrind
	$(BIN)/python -m tests.proof.measure_instructions $(ARGS)

measure-recovery: $(STAMP) ## Print how soon the jobs of killed and frozen workers run again
	$(BIN)/python -m tests.proof.measure_recovery $(ARGS)

measure-looks: $(STAMP) ## Print what lists and counts read with 10 million finished jobs, write docs/performance.md
	@mkdir -p build
	$(BIN)/python -m tests.proof.measure_looks --json build/looks.json $(ARGS)
	$(BIN)/python -m tests.proof.bench.write_docs build/looks.json

measure-pages: $(STAMP) ## Ask the dashboard's pages with 10 million jobs in the history, write docs/performance.md
	$(BIN)/python -m tests.proof.measure_pages --write $(ARGS)

screenshots: $(STAMP) ## Take the pictures of docs/images from the demo's shop, in 15 minutes; needs Chromium
	$(BIN)/python -m tests.proof.screenshots $(ARGS)
	$(BIN)/python -m tests.proof.screenshots_admin

measure-workers: $(STAMP) ## Print what 10, 100 and 500 workers cost a server, idle and busy
	@mkdir -p build
	$(BIN)/python -m tests.proof.measure_workers --json build/workers.json $(ARGS)

measure-shards: $(STAMP) ## Print what calls, enqueue_many and a drain of two shards cost beside one database
	$(BIN)/python -m tests.proof.measure_shards

capacity: $(STAMP) ## Compute what a server carries from bench's and measure-workers' figures, write docs/scaling.md
	$(BIN)/python -m tests.proof.capacity build/bench.json build/workers.json --write

failover: $(STAMP) ## Kill primaries under load, promote their standbys, and print what was lost
	$(BIN)/python -m tests.proof.failover $(ARGS)

soak-schedules: $(STAMP) ## Fire 200 schedules for a minute while workers are killed and started
	$(BIN)/python -m tests.proof.soak_schedules $(ARGS)

chaos: $(STAMP) ## Run keyed jobs while sessions are killed and limits change, and replay the ledger
	$(BIN)/python -m tests.proof.chaos_semaphores $(ARGS)

chaos-statistics: $(STAMP) ## Count through killed workers, crashes, late commits and a restore, and compare with the history
	$(BIN)/python -m tests.proof.chaos_statistics $(ARGS)

soak: $(STAMP) ## Run jobs of every kind in accidents of every kind, and check what became of each
	$(BIN)/python -m tests.proof.soak $(ARGS)

interleavings: $(STAMP) ## Run calls in open transactions of two or three sessions, in 10,000 random orders
	$(BIN)/python -m tests.proof.interleavings $(ARGS)

controls: $(STAMP) ## Break what promises rest on, and see whether the soak and the interleavings find it
	$(BIN)/python -m tests.proof.controls $(ARGS)

deadlocks: $(STAMP) ## Let bulk calls of all kinds overlap for a minute, and count deadlocks
	$(BIN)/python -m tests.proof.deadlocks $(ARGS)

mutants: $(STAMP) ## Make faults in the SQL functions and see whether the tests notice; hours, see its --part
	$(BIN)/python -m tests.proof.mutants $(ARGS)

artifacts: $(STAMP) ## Build the archives of a release twice, and try the wheel on each Python found
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[release]'
	$(BIN)/python -m tests.proof.artifacts $(ARGS)

prove: $(STAMP) ## Run the short form of every proof, in a quarter of an hour
	$(BIN)/python -m tests.proof.prove $(ARGS)

prove-long: $(STAMP) ## Run the full form of every proof, which takes hours
	$(BIN)/python -m tests.proof.prove --long $(ARGS)

fuzz-cron: $(STAMP) ## Compare cron_next with three oracles, 20,000 random cases (about a minute or two)
	$(BIN)/python -m tests.proof.fuzz_cron $(ARGS)

fuzz-functions: $(STAMP) ## Call every public SQL function with hostile values, 20,000 times
	$(BIN)/python -m tests.proof.fuzz_functions $(ARGS)

check: $(STAMP) ## Check style, types, frozen revisions and the generated references
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python migrations/freeze.py --check
	$(BIN)/python pgq/client/generate.py --check
	$(BIN)/python docs/generate.py --check

format: $(STAMP) ## Format the Python files
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

twins: $(STAMP) ## Write the blocking clients from the async ones
	$(BIN)/python pgq/client/generate.py

docs: $(STAMP) ## Write the references, from the comments in sql/, docstrings and options
	$(BIN)/python docs/generate.py

site: $(STAMP) ## Write build/site, the pages of docs/ as a site that needs no network
	$(BIN)/python docs/build_site.py

sql: $(STAMP) ## Write build/pgq.sql, the whole install for psql
	@mkdir -p build
	$(BIN)/python -c 'from pgq.schema import migrate; print(migrate.install_script(), end="")' > build/pgq.sql

extension: $(STAMP) ## Write build/extension, the files of the extension pgq_sql
	$(BIN)/python -m pgq migrate --extension build/extension

build: $(STAMP) ## Write the wheel and the source archive to dist/
	$(BIN)/python -m build

clean: ## Remove .venv and everything generated
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
