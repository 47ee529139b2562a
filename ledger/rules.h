/*
 * rules: what each kind of record must look like and who may file it (docs/ledger.md, Kinds), as a
 * table by kind and the checks over it: the form verdicts (1xx), which look at the record alone,
 * and the authority verdicts (2xx), which look at who and what exists.
 */
#ifndef HEFU_LEDGER_RULES_H
#define HEFU_LEDGER_RULES_H

#include "ledger/state.h"

/* The first form check that fails, or POSTED. */
enum verdict rules_check_form(const struct filing *filing);

/* The first authority check that fails, or POSTED; resolves scheme, currency and sides. Only for a
   record whose form is in order. */
enum verdict rules_check_authority(const struct registry *registry, struct filing *filing);

/* Whether a nonzero match_key of this kind names its transaction, once (DUPLICATE_KEY). */
bool rules_takes_match_key(unsigned kind);

#endif
