// Package e2e holds only tests: the clients that people have, against whole appliances on loopback.
// A program that is not installed, or that cannot work on the machine, skips its test by name; packaging/check.sh
// installs the programs and lists what was skipped. RUCHE_FULL=1 makes the long tests as long as they are meant.
package e2e
