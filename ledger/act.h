/*
 * act: the record that a record acts on, and what an act does to it (docs/ledger.md, Lives): found
 * by ref, followed through LINKED, checked as far as all acts have it in common; and the small
 * steps that the engines share: freeing what a life reserves, posting it, ending it.
 */
#ifndef HEFU_LEDGER_ACT_H
#define HEFU_LEDGER_ACT_H

#include "ledger/posting.h"
#include "ledger/state.h"

/* 301 to 304, then 335 or 336 of an ended or due record, else POSTED: ret_subject is the record
   acted on. A due CHARGEBACK is not yet ended: its step is TOO_LATE. */
enum verdict act_find(const struct ledger *ledger, const struct filing *filing,
                      struct subject *ret_subject);
/* The same from 303 on, of a record that acts on the subject; which is followed through LINKED. */
enum verdict act_check(const struct ledger *ledger, const struct record *record,
                       struct subject *subject);
/* 335 or 336 if the subject has ended or is past its time, else POSTED. */
enum verdict act_check_alive(const struct ledger *ledger, const struct subject *subject);

/* The other half, if the subject is in EXCEPTION. */
bool act_other_half(const struct ledger *ledger, const struct subject *subject,
                    struct subject *ret_other);

/* now + seconds, 0 if seconds is 0: never. */
uint64_t act_due(const struct ledger *ledger, uint32_t seconds);

/* Adds to the plan the freeing of all that the subject reserves; its record is known. */
void act_free(const struct ledger *ledger, struct plan *plan, const struct subject *subject);

/* POSTED, confirmed by these sides. */
void act_post(struct ledger *ledger, struct subject *subject, unsigned sides, unsigned cause);
/* Ended in that state. */
void act_end(struct ledger *ledger, struct subject *subject, enum life_state state, unsigned cause);
/* LINKED to that record. */
void act_link(struct ledger *ledger, struct subject *subject, struct place principal,
              unsigned cause);

/* The first of limits (posting_check) and fees (404, 405: fees_check) by number, or POSTED. */
enum verdict act_check_money(struct ledger *ledger, const struct plan *plan,
                             const struct filing *filing, const struct subject *original);

#endif
