# Every goal calls one script. `make run` and `make test` are all that a newcomer needs.
.PHONY: run test check setup bench torture cluster package

run:      ; @scripts/run.sh
test:     ; @scripts/test.sh
check:    ; @scripts/check.sh
setup:    ; @scripts/setup.sh desk kafka screen tests
bench:    ; @scripts/bench.sh
torture:  ; @scripts/torture.sh
cluster:  ; @scripts/cluster.sh
package:  ; @scripts/package.sh
