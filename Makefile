# SPDX-License-Identifier: GPL-2.0-only
# Run 'make help' for what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build
CACHE ?= $(HOME)/.cache/scx_bypass_lb
export CACHE AGAIN CASES MINUTES RUNS CPUS TASKS LOADS VARIANTS THREADED

name := scx_bypass_lb
version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
dkms_dir := /usr/src/$(name)-$(version)
# not what a build leaves among them
sources := $(wildcard src/*.[ch] src/*/*.[ch])
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

modules:
	$(kbuild) modules

help:
	@echo 'modules       build $(name).ko (default). KDIR= names the kernel to build'
	@echo '              for, LLVM=1 builds with clang, W=1 with more warnings'
	@echo 'install       install the module for the kernel of KDIR'
	@echo 'uninstall     remove it'
	@echo 'dkms-install  hand the source to dkms, build and install it for the running'
	@echo '              kernel, or the one that KERNEL= names. This removes the module of any'
	@echo '              version from all kernels first; then, for each other kernel:'
	@echo '              dkms install $(name)/$(version) -k KERNEL'
	@echo 'dkms-remove   take it back'
	@echo 'tools         build the command scx-bypass; tools-install installs it, tools-remove'
	@echo '              removes it'
	@echo 'deb, rpm      make packages, in packages/ or where PACKAGES= says'
	@echo 'sign          sign $(name).ko with KEY= and CERT= (Secure Boot)'
	@echo 'check         style and static checks'
	@echo 'test          run the tests on a stock kernel in QEMU'
	@echo '              CASES="skew revert" runs just these; with MINUTES=n what has not'
	@echo '              ended in n minutes is skipped'
	@echo 'test-all      run them on all kernels; TARGETS="6.12.117 6.17.8" on just these.'
	@echo '              An interrupted one goes on where it was; AGAIN=1 begins anew'
	@echo 'stress        storms over tasks, CPUs and the module for MINUTES=60; TARGETS= as above'
	@echo 'bench         measure how a machine recovers from its scheduler: RUNS=10 CPUS="8 32"'
	@echo '              TASKS="30 100" for each CPU, LOADS="idle fork skew", VARIANTS="stock:module"'
	@echo 'demo          watch the module at work, in QEMU'
	@echo 'shell         a shell in a guest of the stock kernel, with the module'
	@echo 'list          the cases, and what each shows'
	@echo 'setup         prepare what the demo uses, or what the tests of CASES= use'
	@echo 'clean         remove what was built here'
	@echo
	@echo 'check, test, test-all, stress, bench, demo, shell and setup install packages and'
	@echo 'fetch kernels by themselves, and keep these in CACHE=$(CACHE).'
	@echo 'list may install packages, too'

install: modules
	$(kbuild) modules_install

uninstall:
	release=$$(cat $(KDIR)/include/config/kernel.release) && \
	rm -f /lib/modules/$$release/updates/$(name).ko* && depmod $$release

# What dkms has of any version, it forgets, with the source: one may be installed anew, or
# over another one. With DESTDIR nothing is done but copying the source there, for packages.
dkms_versions = $$(dkms status $(name) | sed -n 's|^$(name)[/,] *\([^,: ]*\).*|\1|p' | sort -u)
dkms_forget = command -v dkms >/dev/null || { echo 'dkms is not installed' >&2; exit 1; }; \
	for version in $(dkms_versions); do \
	dkms remove $(name)/$$version --all && $(RM) -r /usr/src/$(name)-$$version || exit; done

dkms-install:
	$(if $(DESTDIR),,$(dkms_forget))
	$(RM) -r $(DESTDIR)$(dkms_dir)
	mkdir -p $(DESTDIR)$(dkms_dir)
	cp -r --parents dkms.conf Kbuild Makefile LICENSE include $(sources) $(DESTDIR)$(dkms_dir)
	$(if $(DESTDIR),,dkms add $(name)/$(version))
	$(if $(DESTDIR),,dkms install $(name)/$(version) $(if $(KERNEL),-k $(KERNEL)))

dkms-remove:
	$(dkms_forget)

tools:
	$(MAKE) -C tools

tools-install: tools
	$(MAKE) -C tools install

tools-remove:
	$(MAKE) -C tools uninstall

deb rpm:
	sh packaging/$@.sh $(or $(PACKAGES),$(CURDIR)/packages)

sign:
	@test -n '$(KEY)' && test -n '$(CERT)' || { echo 'usage: make sign KEY=file CERT=file' >&2; exit 2; }
	$(KDIR)/scripts/sign-file sha256 $(KEY) $(CERT) $(name).ko

test setup:
	@sh tests/setup/packages.sh base
	@python3 tests/run.py $@ $(CASES)

check bench demo shell list:
	@sh tests/setup/packages.sh base
	@python3 tests/run.py $@

test-all stress:
	@sh tests/setup/packages.sh base
	@python3 tests/run.py $@ $(TARGETS)

clean:
	$(RM) -r *.o .*.o *.ko *.mod *.mod.c .*.cmd .*.o.d modules.order Module.symvers .tmp_versions
	$(RM) src/*.o src/.*.cmd src/*/*.o src/*/.*.cmd
	$(RM) -r packages packaging/src packaging/pkg packaging/*.log packaging/*.pkg.tar*
	[ ! -d tools ] || $(MAKE) -C tools clean

.PHONY: modules help install uninstall dkms-install dkms-remove tools tools-install \
	tools-remove deb rpm sign check test test-all stress bench demo shell list setup clean
