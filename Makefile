# 'make help' lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help build release test test-machine demo bench lint format lab install clean

help: ## prints this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## makes a debug build of both programs
	Scripts/install-dependencies --build
	swift build

release: ## makes a release build of both programs
	Scripts/install-dependencies --build
	swift build -c release

test: ## builds and runs all tests, also on lab hosts and a virtual machine; installs what is missing; needs root
	Scripts/test

test-machine: ## runs all phases of the virtual machine; installs what is missing; needs root
	Scripts/test --machine all

demo: ## shows a typical session on three lab hosts; installs what is missing; needs root
	Scripts/demo

bench: ## compares the speed with other tools; installs what is missing; needs root
	Scripts/bench

lint: ## checks the format of Swift sources, and the scripts
	Scripts/install-dependencies --lint
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	shellcheck .ci/run $$(grep -rlE '^#!/usr/bin/env bash|^# shellcheck shell=bash' Scripts)

format: ## formats the Swift sources in place
	swift format format --in-place --recursive --parallel Package.swift Sources Tests

lab: ## starts three lab hosts for experiments: lab-1, lab-2, lab-3; needs root
	Scripts/install-dependencies --test
	Scripts/lab up 3
	Scripts/lab list

install: release ## installs muster and muster-agent in $(PREFIX)/bin (PREFIX=/usr/local, DESTDIR=)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 "$$(swift build -c release --show-bin-path)/muster" $(DESTDIR)$(PREFIX)/bin/muster
	install -m 755 "$$(swift build -c release --show-bin-path)/muster-agent" $(DESTDIR)$(PREFIX)/bin/muster-agent

clean: ## removes what was built; 'Scripts/lab clean' removes cached root file systems
	swift package clean
