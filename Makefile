# What a newcomer types. Plain `make` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help tools peers build demo lint test test-peers bench bench-check bench-picture bench-build \
	soak clean

# `cmake` from here serves the crates that build C, where the machine has none. Only that one
# program is put on the path, since its environment has a `python3` of its own.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# The contracts and vectors shared with other projects; a newcomer need not have them.
shared := $(or $(TOLLGATE_SHARED),$(abspath ../shared))
has_vectors := $(wildcard $(shared)/vectors)

# One set of features for every command below, so that nothing is compiled twice. A name that only
# some crates have is turned on in those.
comma := ,
features := peers$(if $(has_vectors),$(comma)shared-vectors)
workspace := --workspace --features $(features)

# The tests start this very binary and build no other.
built := $(abspath $(or $(CARGO_TARGET_DIR),target))
export TOLLGATE_BINARY := $(built)/debug/tollgate

define warning
==============================================================================
 WARNING: $(shared) is missing.
 The vectors agreed with other projects were NOT run; everything else was.
 Put the folder there, or name it in TOLLGATE_SHARED, to run them.
==============================================================================
endef
export warning
warn := $(if $(has_vectors),:,printf '%s\n' "$$warning")

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools: ## cmake into .tools when the machine has none
	@if ! cmake --version >/dev/null 2>&1; then \
	    rm -rf .tools/py; \
	    python3 -m venv .tools/py; \
	    for try in 1 2 3; do \
	        .tools/py/bin/pip install --quiet --disable-pip-version-check cmake==4.4.4 && break; \
	        sleep 5; \
	    done; \
	    mkdir -p .tools/bin; \
	    ln -sfn ../py/bin/cmake .tools/bin/cmake; \
	    cmake --version; \
	fi

peers: ## the outside clients of the tests into .tools/peers
	@tests/peers/install.sh

build: tools ## the gate itself, as shipped: target/release/tollgate
	cargo build --release --package tollgate

demo: tools ## a gate, a tool server and an agent on this machine; ARGS='…' are handed on
	cargo run --package tollgate -- demo $(ARGS)

lint: tools ## formatting and clippy
	cargo fmt --all --check
	cargo clippy $(workspace) --all-targets -- --deny warnings

# The binary is built before the tests, because those of `tests` start it and Cargo does not build
# a binary for the tests of another crate.
test: tools peers lint ## everything: lint, all tests, the outside clients
	@$(warn)
	cargo build $(workspace) --bins
	cargo test $(workspace) --no-fail-fast
	@$(warn)

test-peers: tools peers ## the outside clients alone
	cargo build $(workspace) --bins
	cargo test $(workspace) --test peers

# What is shipped is built with PROFILE=dist, which takes some minutes more for each program.
bench: tools ## benchmarks against their budget; ARGS='path' picks by name, PROFILE=dist as shipped
	cargo build --profile $(or $(PROFILE),release) --manifest-path benches/bare/Cargo.toml
	TOLLGATE_BENCH_BARE=$(CURDIR)/benches/bare/target/$(or $(PROFILE),release)/bare \
	    cargo bench --profile $(or $(PROFILE),bench) --package tollgate-benches $(if $(ARGS),-- $(ARGS))

bench-check: tools ## judges what `make bench` measured last; fails beyond the budget
	cargo run --quiet --package tollgate-benches -- check $(ARGS)

bench-picture: tools ## draws what `make bench` measured last: benches/speed.svg
	cargo run --quiet --package tollgate-benches -- draw benches/speed.svg

bench-build: tools ## how long a build from nothing takes, in a folder of its own
	cargo build --package tollgate-benches
	rm -rf $(built)/cold
	$(built)/debug/tollgate-benches time weight/cold_build \
	    cargo build --quiet --release --package tollgate --target-dir $(built)/cold
	rm -rf $(built)/cold

soak: tools ## half an hour of load with everything that changes; SECONDS=… for less
	cargo build --release --package tollgate
	TOLLGATE_BINARY=$(built)/release/tollgate TOLLGATE_SOAK_SECONDS=$(or $(SECONDS),1800) \
	    cargo test --package tollgate-tests --test soak -- --nocapture

clean: ## removes what was built and installed here
	cargo clean
	rm -rf .tools tests/peers/node_modules benches/bare/target
