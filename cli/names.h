/*
 * names: finding participants, schemes, services and currencies of a genesis by what people
 * call them, and printing them again. A participant answers to its number, BIC, clearing code, name
 * or the name's slug ("jade-river-bank"); upper and lower case are the same. A word that two
 * participants answer to is refused as ambiguous, never guessed.
 */
#ifndef HEFU_CLI_NAMES_H
#define HEFU_CLI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "ledger/genesis.h"

struct names;

/* genesis is borrowed. */
struct names *names_new(const struct genesis *genesis);
void names_free(struct names *names);
const struct genesis *names_genesis(const struct names *names);

/* NOT_FOUND, or EXISTS if the word is ambiguous. */
enum status names_participant(const struct names *names, const char *word,
                              uint32_t *ret_number) MUST_USE;
enum status names_scheme(const struct names *names, const char *word,
                         uint16_t *ret_number) MUST_USE;
enum status names_service(const struct names *names, const char *word,
                          uint16_t *ret_number) MUST_USE;
/* By alphabetic code ("CNY") or numeric ("156"). */
enum status names_currency(const struct names *names, const char *word,
                           const struct genesis_currency **ret_currency) MUST_USE;

/* Names for printing: "hub" for participant 0, the number in text for an unknown one. The text is
   valid until the next call that needs to make one up. */
const char *names_participant_name(const struct names *names, uint32_t number);
const char *names_scheme_name(const struct names *names, uint16_t number);
const char *names_currency_code(const struct names *names, uint16_t numeric);
/* Decimals of a currency; 0 for an unknown one. */
unsigned names_exponent(const struct names *names, uint16_t numeric);

/* "BANK", or "BANK AGENT"; empty for none. */
#define ROLES_TEXT_BYTES 96
void roles_format(uint32_t roles, char ret_text[ROLES_TEXT_BYTES]);
/* The role of a word in either case, 0 if there is none. */
uint32_t role_of_name(const char *word);

#endif
