/*
 * ledger_acts: acts on earlier records for ledger tests, and what the store says became of a
 * record: its life and the chain of its events.
 */
#ifndef HEFU_TESTS_LEDGER_ACTS_H
#define HEFU_TESTS_LEDGER_ACTS_H

#include "tests/support/ledger_fixture.h"

/* An act of that kind on a record that ref_participant filed: sides, scheme and currency are the
   original's, amount zero. */
struct record acts_on(struct ledger_fixture *fixture, enum record_kind kind,
                      const struct record *original, uint32_t ref_participant);
/* A CLEAR of scheme 12, two confirmations, under this match key. */
struct record acts_half(struct ledger_fixture *fixture, uint32_t payer, uint32_t payee,
                        uint64_t amount, uint64_t key);
struct record acts_hold(struct ledger_fixture *fixture, uint32_t payer, uint32_t payee,
                        uint64_t amount);

/* The life of a record that was filed, from the store; without a row it is LIFE_POSTED. State 0:
   the record was rejected or does not exist. */
struct acts_life {
    struct life_row row;
    struct place place;
    bool has_row;
};

struct acts_life acts_life(struct ledger_fixture *fixture, uint32_t participant,
                           const struct record *record);
unsigned acts_state(struct ledger_fixture *fixture, uint32_t participant,
                    const struct record *record);

/* How many events the record's chain has; each is written to ret_events, newest first. */
unsigned acts_events(struct ledger_fixture *fixture, uint32_t participant,
                     const struct record *record, struct event_row *ret_events, unsigned capacity);

/* Pending debits of a participant's account in CNY. */
int64_t acts_pending(const struct ledger_fixture *fixture, uint32_t participant,
                     enum account_class class);
/* Balance of a participant's POSITION in CNY. */
int64_t acts_net(const struct ledger_fixture *fixture, uint32_t participant);

/* The next block is this much later than its parent. */
void acts_wait(struct ledger_fixture *fixture, uint64_t milliseconds);
/* An empty block that much later. */
void acts_pass(struct ledger_fixture *fixture, uint64_t milliseconds);

#endif
