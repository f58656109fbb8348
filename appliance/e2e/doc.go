// Package e2e holds only tests: the clients that people have, against whole appliances on loopback.
// A program that is not installed, or that cannot work on the machine, skips its test by name; packaging/check.sh
// installs the programs and lists what was skipped. RUCHE_FULL=1 makes the long tests as long as they are meant;
// RUCHE_SEED=N repeats what a test of chance did that logged this seed.
//
// The tests named TestTrust... show that nothing is lost, whatever happens to power, process and disk. Each logs a
// line that begins with "figures:", which packaging/check.sh --trust collects; packaging/trust.md tells of them.
package e2e
