# Three doors. Everything else: cargo xtask help
TARGET := $(or $(CARGO_TARGET_DIR),target)
APT := export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc g++ >/dev/null

release: toolchain
	cargo build --release -p headwater

demo: release
	$(TARGET)/release/headwater demo --data data/demo --listen 127.0.0.1:8080 --replay 20/s

test: toolchain
	cargo xtask setup
	cargo xtask test

# Cargo needs a C compiler to link anything, xtask included; the rest is for `cargo xtask setup`.
toolchain:
	@command -v cargo >/dev/null || { echo "please install Rust: https://rustup.rs"; exit 1; }
	@{ command -v cc && command -v c++; } >/dev/null || { [ "$$(id -u)" = 0 ] && { $(APT); }; } \
		|| { echo "please install gcc and g++"; exit 1; }

.PHONY: release demo test toolchain
