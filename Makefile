# Everything a person or a CI runs. `make demo` installs all and runs the main job; `make test` runs the tests.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BUILD ?= build
JOBS ?= $(shell nproc)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BIN := $(VENV)/bin

PACKAGES := g++ cmake ninja-build ccache pkg-config unzip python3-dev python3-venv flatbuffers-compiler \
  libflatbuffers-dev libxxhash-dev libprotozero-dev libcli11-dev nlohmann-json3-dev libgtest-dev googletest
# What .ci/run and `make full` need on top: lint, sanitizers, fuzzers, cross compilers and emulators.
CI_PACKAGES := clang-19 lld-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev g++-aarch64-linux-gnu \
  libc6-dev-arm64-cross g++-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user-static debootstrap binutils

CMAKE_OPTIONS := -DMACE_BUILD_PYTHON=ON -DMACE_BUILD_TESTS=ON -DMACE_BUILD_TOOLS=ON

.PHONY: help demo test build install_packages install_ci_packages venv lint format unit_test python_test full bench clean

help:  ## this text
	@grep -hE '^[a-z_0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

install_packages:  ## what the build needs from Debian (sudo where not root)
	@scripts/install_packages.sh "$(SUDO)" $(PACKAGES)

install_ci_packages: install_packages  ## what .ci/run and `make full` need on top
	@scripts/install_packages.sh "$(SUDO)" $(CI_PACKAGES)

$(VENV)/.ready: pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh $(PYTHON) $(VENV)
	@touch $@

venv: $(VENV)/.ready

build: install_packages $(VENV)/.ready  ## .venv with the package, build/mace_run, build/libmace.so, tests
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pip wheel -q --no-build-isolation --no-deps -w $(BUILD)/wheel \
	  --config-settings=build-dir=$(BUILD) $(foreach option,$(CMAKE_OPTIONS),--config-settings=cmake.define.$(patsubst -D%,%,$(option))) .
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --force-reinstall $(BUILD)/wheel/mace_engine-*.whl
	@PATH="$(abspath $(BIN)):$$PATH" cmake --build $(BUILD) -j $(JOBS)

demo: build  ## installs all, converts three networks, reads the text of pictures
	@$(BIN)/python examples/ocr/read_text.py --work_dir .demo

unit_test: build
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

python_test: build
	@$(BIN)/python -m pytest tests/python

test: unit_test python_test  ## all tests of a clean checkout

lint: venv  ## formatting and static checks of the whole tree
	@scripts/lint.sh $(BIN)

format:  ## formats C++ and Python in place
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 -i
	@$(BIN)/ruff check -q --fix python tests bench examples scripts tools && $(BIN)/ruff format -q python tests bench examples scripts tools

bench: build  ## MACE beside five engines, 15 minutes; MODELS="net.onnx" BENCH_OPTIONS="--quick" (docs/performance.md)
	@scripts/make_peers.sh $(PYTHON) $(BUILD)/bench
	@$(BIN)/python bench/peers.py $(MODELS) $(BENCH_OPTIONS)

full: build  ## everything that is too slow for CI; hours
	@scripts/full.sh

clean:  ## removes what the build made
	rm -rf $(BUILD) $(VENV) .demo dist
