/*
 * plan_read: what the files that read participants.json share (plan.h): where the reading stands,
 * values by name with their errors, and the readers of the larger objects.
 */
#ifndef HEFU_CLI_PLAN_READ_H
#define HEFU_CLI_PLAN_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/genesis.h"

/* Where the reading stands, for errors; the first error wins. */
struct plan {
    const char *source;
    char place[96]; /* "participants[3]." */
    char *error;
    size_t capacity;
    bool failed;
    struct genesis *genesis;
};

void plan_fail(struct plan *plan, const char *member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether object is one whose members are all among known (separated by spaces). */
bool plan_members(struct plan *plan, json_t *object, const char *known);

/* Values of an object's member. fallback NULL, or below min: the member must be there. */
const char *plan_text(struct plan *plan, json_t *object, const char *name, const char *fallback);
void plan_copy(struct plan *plan, json_t *object, const char *name, const char *fallback,
               char *ret_text, size_t capacity);
int64_t plan_number(struct plan *plan, json_t *object, const char *name, int64_t fallback,
                    int64_t min, int64_t max);
json_t *plan_array(struct plan *plan, json_t *object, const char *name, size_t max);
/* The member, a list of words, as a mask: bit i for the i-th of words; fallback if it is absent. */
uint32_t plan_words(struct plan *plan, json_t *object, const char *name, const char *words,
                    uint32_t fallback);
/* A decimal amount in quotes, in minor units of the currency; 0 if it is absent. */
uint64_t plan_amount(struct plan *plan, json_t *object, const char *name, unsigned exponent);

/* The index of a word in a list of words separated by spaces; -1 if it is none of them. */
int plan_word(const char *words, const char *word);
const struct genesis_currency *plan_currency(struct plan *plan, json_t *item);
/* A participant by number, name or slug; 0 if there is none. */
uint32_t plan_participant(const struct genesis *genesis, json_t *word);

void plan_read_calendar(struct plan *plan, json_t *item, struct genesis_calendar *calendar);
void plan_read_service(struct plan *plan, json_t *item, struct genesis_service *service);
void plan_read_scheme(struct plan *plan, json_t *item, struct genesis_scheme *scheme);
/* "parameters", or the usual ones; and how many participants and services there is room for. */
void plan_read_parameters(struct plan *plan, json_t *root);

#endif
