// Package systemd is the folder of units, rules and the documented
// configuration; it holds no program. Its tests prove that systemd takes the
// units without a word, that the service is as closed as it claims, and that
// the configuration here is the one the program reads.
package systemd
