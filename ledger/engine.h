/*
 * engine: what carries out a record that passed form and authority, by its kind's engine (kinds.h).
 * Each checks what stands from 300 on, in the order of the numbers, then changes the state; on a
 * verdict that is not accepted it has changed nothing. What it posts goes through a plan
 * (posting.h), what becomes of records through life.h. One file an engine.
 */
#ifndef HEFU_LEDGER_ENGINE_H
#define HEFU_LEDGER_ENGINE_H

#include "ledger/state.h"

/* transaction.c: CLEAR (both confirmations), HOLD, PAY, FEE, FUND, with their match keys. A PAY
   that must wait goes through queue_check_order and queue_put. */
enum verdict engine_transaction(struct ledger *ledger, const struct filing *filing,
                                struct posted_record *ret_posted);
/* answer.c: AFFIRM and REJECT of whatever waits. */
enum verdict engine_answer(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted);
/* returns.c: REVERSE and REFUND. */
enum verdict engine_return(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted);
/* hold.c: CAPTURE and RELEASE. */
enum verdict engine_hold(struct ledger *ledger, const struct filing *filing,
                         struct posted_record *ret_posted);
/* dispute.c: CHARGEBACK to RULE. */
enum verdict engine_dispute(struct ledger *ledger, const struct filing *filing,
                            struct posted_record *ret_posted);
/* queue_act.c: CANCEL and REPRIORITISE. */
enum verdict engine_queue(struct ledger *ledger, const struct filing *filing,
                          struct posted_record *ret_posted);
/* treasury.c: DEFUND, PLEDGE, UNPLEDGE, CONTRIBUTE. */
enum verdict engine_treasury(struct ledger *ledger, const struct filing *filing,
                             struct posted_record *ret_posted);

/* treasury.c, for answer.c: what AFFIRM and REJECT of a DEFUND or UNPLEDGE move. */
void treasury_affirm(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted);
void treasury_reject(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted);

/* A posting whose plan was checked: applies it and fills the undo of a chain. */
void engine_post(struct ledger *ledger, const struct plan *plan, struct posted_record *ret_posted);

#endif
