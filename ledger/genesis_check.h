/*
 * genesis_check: the parts of the check of a genesis (genesis.h, genesis_check), for the files it
 * is written in. Each answers true, or false with a sentence in the complaint: what, where, and
 * what was expected.
 */
#ifndef HEFU_LEDGER_GENESIS_CHECK_H
#define HEFU_LEDGER_GENESIS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/genesis.h"

struct complaint {
    char *text;
    size_t capacity;
};

/* Writes the sentence from at on, with % for each of the numbers in turn; false, so that a check
   can return it. Pure code has no printf, and needs none for this. */
bool genesis_complain(const struct complaint *complaint, size_t at, const char *sentence,
                      const uint64_t *numbers);

#define COMPLAIN(complaint, ...) COMPLAIN_ARGUMENTS(complaint, __VA_ARGS__, 0)
#define COMPLAIN_ARGUMENTS(complaint, sentence, ...)                                               \
    genesis_complain((complaint), 0, (sentence), (const uint64_t[]){__VA_ARGS__})

/* Text without control characters, then zeroes to the end; at least one zero. */
bool genesis_is_text(const char *field, size_t size, bool may_be_empty);

bool genesis_check_policies(const struct parameters *parameters, const struct complaint *complaint);
bool genesis_check_calendars(const struct genesis *genesis, const struct complaint *complaint);
bool genesis_check_services(const struct genesis *genesis, const struct complaint *complaint);
bool genesis_check_schemes(const struct genesis *genesis, const struct complaint *complaint);

#endif
