/*
 * rules: what each kind of record must look like and who may file it (docs/ledger.md, Kinds), by
 * the table of kinds (kinds.h): the form verdicts (1xx), which look at the record alone, and the
 * authority verdicts (2xx), which look at who and what exists.
 */
#ifndef HEFU_LEDGER_RULES_H
#define HEFU_LEDGER_RULES_H

#include "ledger/state.h"

/* The first form check that fails, or POSTED; resolves the kind. */
enum verdict rules_check_form(struct filing *filing);

/* The first authority check that fails, or POSTED; resolves scheme, currency and sides. Only for a
   record whose form is in order. */
enum verdict rules_check_authority(const struct registry *registry, struct filing *filing);

/* Which sides (enum side) of the record the submitter is; only with a scheme. */
unsigned rules_sides(const struct filing *filing);

/* Whether a participant, which exists, has one of these roles (enum role). */
bool rules_has_role(const struct registry *registry, uint32_t participant, unsigned roles);

#endif
