# What there is to do here: make help.

PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help build release test test-machine demo bench lint format lab install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## builds both programs, for debugging
	Scripts/install-dependencies --build
	swift build

release: ## builds both programs, to be used
	Scripts/install-dependencies --build
	swift build -c release

test: ## builds and runs all tests, on lab hosts too; installs what is missing; needs root
	Scripts/test

test-machine: ## runs every phase of the virtual machine; installs what is missing; needs root
	Scripts/test --machine all

demo: ## walks the main job on three lab hosts; installs what is missing; needs root
	Scripts/demo

bench: ## measures against other tools, side by side; installs what is missing; needs root
	Scripts/bench

lint: ## checks format and scripts
	Scripts/install-dependencies --lint
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	shellcheck .ci/run $$(grep -rlE '^#!/usr/bin/env bash|^# shellcheck shell=bash' Scripts)

format: ## formats the Swift sources in place
	swift format format --in-place --recursive --parallel Package.swift Sources Tests

lab: ## raises three lab hosts to try things on: lab-1, lab-2, lab-3; needs root
	Scripts/install-dependencies --test
	Scripts/lab up 3
	Scripts/lab list

install: release ## installs muster and its agent below $(PREFIX)/bin (PREFIX=/usr/local, DESTDIR=)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 "$$(swift build -c release --show-bin-path)/muster" $(DESTDIR)$(PREFIX)/bin/muster
	install -m 755 "$$(swift build -c release --show-bin-path)/muster-agent" $(DESTDIR)$(PREFIX)/bin/muster-agent

clean: ## removes what was built; cached root file systems: Scripts/lab clean
	swift package clean
