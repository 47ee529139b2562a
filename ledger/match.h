/*
 * match: a CLEAR and the transaction that its match key names (docs/ledger.md, Waiting): halves
 * that wait, meet, or differ.
 *
 *   key free          ──► it waits (two confirmations)
 *   equal half waits  ──► MATCHED: that half posts, this record is LINKED to it
 *   unequal half      ──► EXCEPTION_...: both wait for a third side, an AFFIRM or a REJECT
 *   posted, equal     ──► CONFIRMED
 */
#ifndef HEFU_LEDGER_MATCH_H
#define HEFU_LEDGER_MATCH_H

#include "ledger/state.h"

/* A CLEAR whose key names a transaction already, in any scheme. */
enum verdict match_known(struct ledger *ledger, const struct filing *filing, struct subject *known,
                         struct posted_record *ret_posted);
/* A CLEAR or PAY that waits: reserves if it binds its payer, takes the key, is due. */
enum verdict match_wait(struct ledger *ledger, const struct filing *filing,
                        struct posted_record *ret_posted);

/* Posts a CLEAR that waits or is in exception, or an affirmed PAY: reserves freed, the other half
   LINKED to it. judges_fees: the filing is a half, whose own fees must be in order. 4xx or POSTED.
   On POSTED the subject is brought up to date. */
enum verdict match_post(struct ledger *ledger, const struct filing *filing, struct subject *subject,
                        bool judges_fees, struct posted_record *ret_posted);

#endif
