/*
 * words: the names of states and causes that docs/ledger.md gives (Lives, Events, Cycles), for
 * printing. NULL for a number that has none.
 */
#ifndef HEFU_CLI_WORDS_H
#define HEFU_CLI_WORDS_H

const char *life_state_name(unsigned state);
const char *cycle_state_name(unsigned state);
const char *standing_name(unsigned status);
/* The kind of the record that did it, or the event's own name. */
const char *cause_name(unsigned cause);

/* "ledger-final" or, of a cycle that is SETTLED, "money-final": never mixed. */
const char *finality_name(unsigned cycle_state);

#endif
