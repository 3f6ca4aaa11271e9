# The verbs; README.md explains them. A verb installs or builds what it needs; it asks before it installs Debian packages.
.PHONY: demo test docs site generate lint msrv package release-check deny rest browser postgres cluster c c-docs c-languages cli install node surfaces hosts import torture soak fuzz coverage mutants bench clean
.DEFAULT_GOAL := test

BUILD := build/c
ABI := $(shell awk '$$2 == "HJ_ABI_VERSION" { print $$3 }' include/hellojohn.h)
PREFIX ?= /usr/local
LIBDIR ?= lib
NODE_ADDON := npm/node/native/hellojohn.node

# What is built names no folder of the machine that it was built on.
CARGO_HOME ?= $(HOME)/.cargo
export RUSTFLAGS += --remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(CURDIR)=/hellojohn

# The main job on real input: a Rust, a C and a Node program share one database file.
demo: c node
	cargo build --release --package hellojohn --example demo
	examples/demo/run

# Everything that proves the code, on a fresh clone too.
test: surfaces
	cargo test --workspace -- --skip store::postgres::tests # these need a server: make postgres
	tests/c/run $(BUILD)
	cd npm && npm test
	node --test tests/docs/*.test.mjs tests/release/*.test.mjs tests/torture/*.test.mjs
	node tests/docs/run.mjs --library $(BUILD)
	cargo run --quiet --release --package hellojohn --example quickstart
	tests/rest/curl
	tests/rest/client
	tests/rest/tower
	HJ_SERVER="node examples/node/server.mjs" tests/rest/curl
	HJ_SERVER=tests/rest/command_line tests/rest/curl

# The blocks of code in the documents alone, of those of DOCUMENTS if they are given.
docs: surfaces
	node tests/docs/run.mjs --library $(BUILD) $(DOCUMENTS)

# The documentation site, into build/site: no link may be dead. Then Chromium reads every page.
site:
	.ci/site/build
	tests/docs/site

# What programs write: bindings, TypeScript and OpenAPI schemas from core's public values, the C header, the SQL dump.
generate:
	HJ_UPDATE_GENERATED=1 cargo test --package hellojohn-tests --test codegen
	HJ_UPDATE_HEADER=1 cargo test --package hellojohn-capi --test header
	HJ_UPDATE_SCHEMA=1 cargo test --package hellojohn committed_schema

# The oldest compiler that Cargo.toml names (rust-version) builds all of it: `rustup toolchain install` it first. `make lint` holds the
# rest without it: no dependency asks for a newer one (tests/rust/architecture/compiler.rs), and clippy knows since when the standard
# library has what is called (incompatible_msrv, which it takes from rust-version).
MSRV := $(shell awk -F'"' '/^rust-version/ { print $$2 }' Cargo.toml)
msrv:
	cargo +$(MSRV).0 check --locked --workspace --all-targets --target-dir target/msrv
	cargo test --package hellojohn-tests --test architecture compiler

# The crate as crates.io gets it, tested where nothing of the project is beside it.
package:
	tests/crate

# A dry run of a release for this machine, into build/release: packed, signed with a throw-away key, installed into empty folders.
release-check: c node cli package
	.ci/release/check

# The REST API against its description, by schemathesis; the numbers of `hellojohn serve`, by promtool.
rest:
	tests/rest/schemathesis
	tests/rest/metrics

# Chromium: the refresh cookie, the client and the components in pages and tabs, the devices app, the dashboard of each host.
browser: surfaces
	tests/browser/run

# The store over PostgreSQL, beside a server of its own (Debian's packages): the store itself, the scenarios through every surface, races,
# clocks, histories, also while connections are cut and servers fail over, copies and faults. FULL=1: the longer campaigns.
postgres: surfaces
	tests/postgres/run cargo test --workspace --lib store::
	tests/postgres/run node tests/docs/run.mjs --needs postgres
	$(if $(FULL),,HJ_RACES=10 HJ_HISTORIES=20 HJ_MESSAGE_CUTS=2 HJ_CUT_HISTORIES=20) tests/postgres/run tests/postgres/suite

# Two hosts over a highly available PostgreSQL cluster whose machines are killed, cut off and restarted, into docs/CLUSTER.md. Needs
# root, for network namespaces, and Debian's packages. QUICK=1: the death of the leader alone, and no document.
cluster: node
	tests/cluster/run $(if $(QUICK),--quick)

# Formatting, lints and documentation, warnings denied; layers, names, links and dependencies.
lint: npm/node_modules/.package-lock.json
	cargo fmt --check
	cargo clippy --workspace --exclude hellojohn-cli --all-targets -- --deny warnings
	cargo clippy --package hellojohn --all-targets -- --deny warnings # without the store over PostgreSQL
	cargo clippy --package hellojohn-cli --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items
	cd npm && npm run lint
	cargo test --package hellojohn-tests --test architecture

# Dependencies by cargo-deny itself: what lint checks, and security advisories, which need the network.
deny:
	cargo deny --version || cargo install --locked cargo-deny
	cargo deny check

# The C library and header in build/c.
c:
	cargo build --release --package hellojohn-capi
	mkdir -p $(BUILD)
	cp target/release/libhellojohn.so $(BUILD)/
	bindings/c/localise_symbols.sh target/release/libhellojohn.a $(BUILD)/libhellojohn.a
	ln -sf libhellojohn.so $(BUILD)/libhellojohn.so.$(ABI)

# The C library where hosts find it: make install PREFIX=/usr DESTDIR=/tmp/package LIBDIR=lib/x86_64-linux-gnu.
install: c
	DESTDIR="$(DESTDIR)" LIBDIR="$(LIBDIR)" bindings/c/install.sh "$(PREFIX)" $(BUILD)

# The reference of the C interface in build/c-docs/html, by doxygen (Debian's package).
c-docs:
	tests/c/reference

# The programs of docs/OTHER-LANGUAGES.md: Python, Ruby and Go (Debian's packages).
c-languages: c
	tests/c/languages $(BUILD)

# The command line, target/release/hellojohn.
cli:
	cargo build --release --package hellojohn-cli

# The addon and the packages of npm/, so that they can be imported by their names.
node: npm/node_modules/.package-lock.json
	cargo build --release --package hellojohn-node
	mkdir -p npm/node/native
	rm -f $(NODE_ADDON) # a running program may have it mapped
	cp target/release/libhellojohn_node.so $(NODE_ADDON)
	cd npm && npm run build

npm/node_modules/.package-lock.json: npm/package.json npm/package-lock.json $(wildcard npm/*/package.json)
	cd npm && npm ci --no-fund --no-audit
	touch $@

# The programs that the scenario runner drives.
surfaces: c node
	tests/c/run --build-surface $(BUILD)

# The Node package, packed as it is published, in the test runners, bundlers and runtimes of its users. QUICK=1: without Next,
# other runtimes and Yarn. Needs the network, and Chromium for Next.
hosts: node
	node tests/hosts/run.mjs $(if $(QUICK),--quick)

# The long campaigns, for hours, or those of CAMPAIGNS (names of tests/torture/campaigns.mjs), in parts of some minutes. Each part is added to
# docs/TORTURE.md when it ends, so that the same command resumes a run that was stopped. FROM=n ROUNDS=n: so many rounds from number n on.
# JOBS=2: two parts at a time. QUICK=1: a hundredth of the rounds, and no document.
torture:
	QUICK=$(QUICK) FROM=$(FROM) ROUNDS=$(ROUNDS) JOBS=$(JOBS) node tests/torture/run.mjs $(CAMPAIGNS)

# Mixed load by four Node processes on one file, whose memory, descriptors, threads and files must stay flat: MINUTES=30, into
# docs/SOAK.md. SECONDS=60: so many seconds, and no document.
MINUTES ?= 30
soak: node
	node tests/soak/soak.mjs $(if $(SECONDS),--seconds $(SECONDS),--seconds $$(($(MINUTES) * 60)) --document)

# Every parser, and sequences of calls against the model, under libFuzzer: SECONDS=300 for each of TARGETS (default: all). Needs a nightly
# compiler. Without it `cargo test --test fuzz` runs the same targets.
fuzz:
	SECONDS_EACH=$(or $(SECONDS),300) tests/fuzz/run $(TARGETS)

# Which lines of core the tests run, by folder. Needs LLVM's own tools (Debian's package llvm).
coverage:
	tests/coverage

# Which changes to the code no test notices: of GROUPS (default: all) in tests/mutants/groups.mjs.
mutants:
	node tests/mutants/run.mjs $(GROUPS)

# What other systems' own packages have written, imported and adopted. Needs the npm registry, a compiler and Debian's PostgreSQL.
import:
	tests/import/run

# Us against our peers, into docs/BENCHMARKS.md. QUICK=1: a quick look.
bench: node
	tests/bench/run $(if $(QUICK),--quick)

clean:
	cargo clean
	rm -rf build node_modules tests/hosts/build tests/hosts/node_modules tests/hosts/next15/build tests/hosts/next15/node_modules npm/*/dist npm/node/native npm/node_modules npm/*/node_modules
