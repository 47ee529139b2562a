/*
 * returns: REVERSE of what stands (docs/ledger.md, Waiting), filed or affirmed.
 */
#ifndef HEFU_LEDGER_RETURNS_H
#define HEFU_LEDGER_RETURNS_H

#include "ledger/state.h"

/* Whether the subject, which has not ended, can be reversed now: 302, 303, 337, 338, 4xx, 500 or
   POSTED. waits: the reversal would wait, so no money is asked for. */
enum verdict returns_check_reverse(struct ledger *ledger, const struct filing *filing,
                                   const struct subject *subject, bool waits);
/* Then carries it out, by the filing. */
void returns_reverse(struct ledger *ledger, const struct filing *filing, struct subject *subject,
                     struct posted_record *ret_posted);

#endif
