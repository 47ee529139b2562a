/*
 * action_rows: rows of the tables ACTIONS, VALIDATORS and EVIDENCE (docs/formats.md, Stored
 * tables), for the ledger that writes them and for everyone who reads a store.
 */
#ifndef HEFU_LEDGER_ACTION_ROWS_H
#define HEFU_LEDGER_ACTION_ROWS_H

#include "ledger/state.h"

#define ACTION_VALUE_HEAD_BYTES 80u
#define ACTION_ANSWER_BYTES 12u
#define ACTION_VALUE_BYTES_MAX                                                                     \
    (ACTION_VALUE_HEAD_BYTES + ACTION_ANSWERS_MAX * ACTION_ANSWER_BYTES + ACTION_BYTES_MAX)

/* Key and value. */
#define ACTION_STORED_BYTES_MAX (ACTION_KEY_BYTES + ACTION_VALUE_BYTES_MAX)

/* The value of an action's row, whose key is its id. ret_value has room for ACTION_VALUE_BYTES_MAX;
   the number of bytes written is returned. */
size_t action_row_encode(const struct action_row *row, const uint8_t *body, uint8_t *ret_value);
/* ret_body is borrowed from value; slot and touched are zero. MALFORMED for bytes that no encoder
   made. */
enum status action_row_decode(struct span key, struct span value, struct action_row *ret_row,
                              struct span *ret_body) MUST_USE;

void validators_key(uint64_t epoch, uint8_t ret_key[VALIDATORS_KEY_BYTES]);
size_t validators_encode(const struct roster *roster,
                         uint8_t ret_value[VALIDATORS_VALUE_BYTES_MAX]);
/* Also sets the hash. */
enum status validators_decode(struct span key, struct span value,
                              struct roster *ret_roster) MUST_USE;

/* TABLE_EVIDENCE: where the proof that a validator signed two conflicting votes was recorded. */
struct evidence_row {
    uint64_t epoch;
    uint64_t view;
    uint32_t signer;
    uint16_t kinds; /* first vote's kind << 8 | second's */
    struct hash batch_id;
    struct place place;
};
void evidence_key(uint64_t epoch, uint64_t view, uint32_t signer, uint16_t kinds,
                  uint8_t ret_key[EVIDENCE_KEY_BYTES]);
void evidence_encode(const struct evidence_row *row, uint8_t ret_value[EVIDENCE_VALUE_BYTES]);
enum status evidence_row_decode(struct span key, struct span value,
                                struct evidence_row *ret_row) MUST_USE;

#endif
