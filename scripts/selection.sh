# What is built, checked and tested: always the same, since another selection would compile everything a second time.
selection=(--workspace --locked --features aisle-cli/dev,aisle-tests/window,aisle-tests/planted)
