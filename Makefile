# The commands of this project. Each one installs what is missing, builds what it needs and runs it.
# CMakePresets.json and CMakeLists.txt hold how things are built; nothing here does.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
BENCH_OPTIONS ?=
TIDY_ROOMS ?= base coding block placement

build_preset = cmake --build --preset $(1) --parallel $(JOBS)
test_preset = ctest --preset $(1) --parallel 2
benches := $(filter-out report links,$(notdir $(patsubst %/,%,$(wildcard bench/*/))))
fuzzers := $(foreach f,$(wildcard src/*/*_fuzz.cpp),\
	$(word 2,$(subst /, ,$f))_$(basename $(notdir $f)))
clang_tidy = xargs -r -P $(JOBS) -n 2 clang-tidy-14 -p build/release --quiet \
	--extra-arg=-Wno-unknown-warning-option

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  make bench-NAME     one table; NAME is one of: $(benches)"

.PHONY: bootstrap
bootstrap: ## install what is missing
	@scripts/bootstrap

.PHONY: datasets
datasets: bootstrap
	@scripts/install-datasets

.PHONY: configure
configure: bootstrap
	@cmake --preset release -DCMAKE_VERIFY_INTERFACE_HEADER_SETS=ON

.PHONY: build
build: configure ## build everything
	@$(call build_preset,release)

.PHONY: demo
demo: configure ## build, then run the main job from end to end (under 3 minutes)
	@$(call build_preset,release) --target mutirao mutirao_torch
	@python3 examples/demo/demo.py

.PHONY: test
test: datasets build ## build and run all tests
	@$(call test_preset,release)

.PHONY: lint
lint: configure ## check layers, style, documents, format, headers and the core with clang-tidy
	@python3 scripts/checks/layering.py
	@python3 scripts/checks/tidy.py
	@python3 scripts/checks/documents.py
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-14 --dry-run -Werror
	@$(call build_preset,release) --target all_verify_interface_header_sets
	@ls $(TIDY_ROOMS:%=src/%/*.cpp) | grep -v '_\(test\|fuzz\)\.cpp$$' | $(clang_tidy)
	@echo "lint: clean"

.PHONY: tidy-all
tidy-all: build ## clang-tidy over every source (slow)
	@git ls-files 'src/*.cpp' | $(clang_tidy)

.PHONY: bench
bench: $(benches:%=bench-%) ## run all benches: tables, build/bench/NAME.json and NAME.svg

.PHONY: $(benches:%=bench-%)
$(benches:%=bench-%): bench-%: configure
	@$(call build_preset,release) --target bench_$*
	@if [[ -x bench/$*/prepare ]]; then bench/$*/prepare; fi
	@build/release/bench/bench_$* $(BENCH_OPTIONS)

.PHONY: asan tsan
asan: ## unit and corpus tests under the address and undefined-behaviour sanitizers
tsan: ## unit and corpus tests under the thread sanitizer
tsan: export TSAN_OPTIONS = suppressions=$(CURDIR)/tests/thread-sanitizer.supp
asan tsan: datasets
	@cmake --preset $@
	@$(call build_preset,$@)
	@$(call test_preset,$@) --label-regex 'unit|fuzz'

.PHONY: coverage
coverage: datasets ## lines that the unit and corpus tests reach, by room
	@cmake --preset coverage
	@$(call build_preset,coverage)
	@find build/coverage -name '*.gcda' -delete
	@$(call test_preset,coverage) --label-regex 'unit|fuzz'
	@python3 scripts/coverage.py build/coverage

.PHONY: fuzz
fuzz: bootstrap ## every fuzz target for FUZZ_SECONDS (30)
	@cmake --preset fuzz
	@$(call build_preset,fuzz) --target $(fuzzers)
	@for name in $(fuzzers); do \
		echo "fuzz: $$name for $(FUZZ_SECONDS) s"; \
		mkdir -p build/fuzz/found/$$name; \
		build/fuzz/src/$${name%%_*}/$$name -max_total_time=$(FUZZ_SECONDS) -verbosity=0 \
			-artifact_prefix=build/fuzz/found/$$name- build/fuzz/found/$$name \
			$$(find corpus -maxdepth 1 -name $$name); \
	done

.PHONY: clean
clean: ## remove all builds; what bootstrap fetched stays
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +
