# What a developer runs. Everything works on a machine with Go and git alone.

GO    ?= go
TOOLS := $(GO) tool -modfile=$(CURDIR)/tools/go.mod

.PHONY: check test race fmt vet staticcheck lint fuzz bench bench-check demo ci night

check: fmt vet staticcheck race ## what every commit passes

fmt:
	@out=$$($(TOOLS) gofumpt -l . | grep -v '^bench/results' || true); \
	if [ -n "$$out" ]; then echo "not formatted (make format):"; echo "$$out"; exit 1; fi

format:
	$(TOOLS) gofumpt -w .

vet:
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./transport ./actors
	GOOS=windows $(GO) vet ./transport ./actors

staticcheck:
	$(TOOLS) staticcheck ./...

test:
	$(GO) test ./...

race: ## the attacks of internal/siege run without the detector here, and with it at night
	$(GO) test -race -shuffle=on $$($(GO) list ./... | grep -v /internal/siege)

lint: ## needs golangci-lint v2 on the PATH
	golangci-lint run ./...

FUZZTIME ?= 20s
fuzz:
	@for p in $$(grep -rlE '^func Fuzz' --include=*_test.go transport modules | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$p/*_test.go | sed 's/func //'); do \
			echo "== $$p $$f"; $(GO) test ./$$p -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x || exit 1; done; done

BENCHFLAGS ?=
bench: ## all scenarios, about half an hour; prints tables and writes docs/performance.md and its plots
	cd bench && $(GO) build -o bin/ ./cmd/... && bin/hbench run -scenarios '*' -doc ../docs/performance.md $(BENCHFLAGS)

bench-check: ## fails if a promise about speed or memory is broken; about an hour
	cd bench && $(GO) build -o bin/ ./cmd/... && { bin/hbench check $(BENCHFLAGS); checked=$$?; bin/hslow && exit $$checked; }

demo:
	$(GO) run ./examples/hawser demo

ci:
	bash .ci/run

night: ## the long runs, the promises about speed and memory among them
	HAWSER_NIGHT=1 $(GO) test -race -shuffle=on -count=20 -timeout=60m ./...
	$(MAKE) fuzz FUZZTIME=5m
	$(MAKE) bench-check
