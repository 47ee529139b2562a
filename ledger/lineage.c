/* lineage: the incarnations of a network, and whether their documents fit together (see lineage.h).
 */
#include "ledger/lineage.h"

#include <string.h>

#include "base/check.h"
#include "ledger/digest.h"
#include "ledger/genesis_check.h"

/* Key and row of any table that must not change. */
#define ROW_BYTES_MAX (STATIC_KEY_BYTES_MAX + STATIC_ROW_BYTES_MAX)

void lineage_single(struct lineage *ret_lineage, const struct genesis *genesis,
                    const struct hash *chain_id)
{
    memset(ret_lineage, 0, sizeof *ret_lineage);
    ret_lineage->count = 1;
    ret_lineage->incarnations[0] = (struct incarnation){.genesis = genesis, .chain_id = *chain_id};
}

/* ---- What must not change ---- */

/* A row that a document has in common with the one before it, as its canonical bytes. */
static bool same_row(const struct genesis *own, const struct genesis *before,
                     enum ledger_table table, uint32_t i)
{
    uint8_t own_bytes[ROW_BYTES_MAX];
    uint8_t before_bytes[ROW_BYTES_MAX];
    struct writer own_row = writer_over(own_bytes, sizeof own_bytes);
    struct writer before_row = writer_over(before_bytes, sizeof before_bytes);
    (void)digest_static_row(own, table, i, &own_row);
    (void)digest_static_row(before, table, i, &before_row);
    CHECK(!own_row.failed && !before_row.failed);
    return own_row.used == before_row.used && memcmp(own_bytes, before_bytes, own_row.used) == 0;
}

/* The first row of a list that differs, or UINT32_MAX. */
static uint32_t first_changed(const struct genesis *own, const struct genesis *before,
                              enum ledger_table table)
{
    const uint32_t count = digest_static_count(own, table);
    const uint32_t count_before = digest_static_count(before, table);
    const uint32_t common = count < count_before ? count : count_before;
    for (uint32_t i = 0; i < common; i++) {
        if (!same_row(own, before, table, i)) {
            return i;
        }
    }
    return count == count_before ? UINT32_MAX : common;
}

static bool check_currencies(const struct genesis *own, const struct genesis *before,
                             const struct complaint *complaint)
{
    bool same = own->currency_count == before->currency_count;
    for (uint32_t i = 0; same && i < own->currency_count; i++) {
        const struct genesis_currency *a = &own->currencies[i];
        const struct genesis_currency *b = &before->currencies[i];
        same = a->numeric == b->numeric && a->exponent == b->exponent &&
               memcmp(a->code, b->code, sizeof a->code) == 0;
    }
    return same || COMPLAIN(complaint, "incarnation %: currencies: they are not incarnation %'s",
                            own->incarnation, before->incarnation);
}

static bool check_lists(const struct genesis *own, const struct genesis *before,
                        const struct complaint *complaint)
{
    static const struct {
        enum ledger_table table;
        const char *sentence;
    } lists[] = {
        {TABLE_PARTICIPANTS, "incarnation %: participants[%] is not incarnation %'s"},
        {TABLE_LIMITS, "incarnation %: limits[%] is not incarnation %'s"},
        {TABLE_SERVICES, "incarnation %: services[%] is not incarnation %'s"},
        {TABLE_SCHEMES, "incarnation %: schemes[%] is not incarnation %'s"},
        {TABLE_CALENDARS, "incarnation %: calendars[%] is not incarnation %'s"},
    };
    if (first_changed(own, before, TABLE_PARAMETERS) != UINT32_MAX) {
        return COMPLAIN(complaint, "incarnation %: parameters: they are not incarnation %'s",
                        own->incarnation, before->incarnation);
    }
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const uint32_t at = first_changed(own, before, lists[i].table);
        if (at != UINT32_MAX) {
            return COMPLAIN(complaint, lists[i].sentence, own->incarnation, at,
                            before->incarnation);
        }
    }
    return true;
}

static bool check_head(const struct genesis *own, const struct genesis *before,
                       const struct complaint *complaint)
{
    if (memcmp(own->network, before->network, sizeof own->network) != 0) {
        return COMPLAIN(complaint, "incarnation %: network: it is not incarnation %'s",
                        own->incarnation, before->incarnation);
    }
    if (own->utc_offset_minutes != before->utc_offset_minutes) {
        return COMPLAIN(complaint, "incarnation %: utc_offset_minutes: it is not incarnation %'s",
                        own->incarnation, before->incarnation);
    }
    if (own->delta_ms != before->delta_ms || own->block_interval_ms != before->block_interval_ms ||
        own->empty_interval_ms != before->empty_interval_ms ||
        own->block_records != before->block_records) {
        return COMPLAIN(complaint, "incarnation %: consensus: it is not incarnation %'s",
                        own->incarnation, before->incarnation);
    }
    if (own->participants_max != before->participants_max ||
        own->services_max != before->services_max) {
        return COMPLAIN(complaint,
                        "incarnation %: participants_max or services_max: it is not "
                        "incarnation %'s",
                        own->incarnation, before->incarnation);
    }
    return check_currencies(own, before, complaint) && check_lists(own, before, complaint);
}

/* ---- What must ---- */

static bool check_root(const struct lineage *lineage, uint32_t k, const struct complaint *complaint)
{
    const struct genesis *own = lineage->incarnations[k].genesis;
    const struct genesis *before = lineage->incarnations[k - 1].genesis;
    if (!hash_equal(&own->root_chain_id, &lineage->incarnations[k - 1].chain_id)) {
        return COMPLAIN(complaint,
                        "incarnation %: root.chain_id: it is not the chain id of the document of "
                        "incarnation %",
                        k, k - 1);
    }
    /* The root is a block of the incarnation before: the root block that begins it, or a later one.
       Each root block ends an epoch. */
    if (k > 1 && own->root_height <= before->root_height) {
        return COMPLAIN(complaint,
                        "incarnation %: root.height %: it is not above %, the root of incarnation "
                        "%",
                        k, own->root_height, before->root_height, k - 1);
    }
    if (own->root_epoch <= before->root_epoch) {
        return COMPLAIN(complaint,
                        "incarnation %: root.epoch %: it is not above %, which the root of "
                        "incarnation % leaves open",
                        k, own->root_epoch, before->root_epoch, k - 1);
    }
    if (own->created_ms <= before->created_ms) {
        return COMPLAIN(complaint,
                        "incarnation %: created_ms %: it is not after %, when incarnation % began",
                        k, own->created_ms, before->created_ms, k - 1);
    }
    return true;
}

/* A key of an earlier incarnation has signed votes that no store may remember. */
static bool check_keys(const struct lineage *lineage, uint32_t k, const struct complaint *complaint)
{
    const struct genesis *own = lineage->incarnations[k].genesis;
    for (uint32_t j = 0; j < k; j++) {
        const struct genesis *earlier = lineage->incarnations[j].genesis;
        for (uint32_t i = 0; i < own->validator_count; i++) {
            for (uint32_t n = 0; n < earlier->validator_count; n++) {
                if (memcmp(&own->validators[i].key, &earlier->validators[n].key,
                           sizeof own->validators[i].key) == 0) {
                    return COMPLAIN(complaint,
                                    "incarnation %: validators[%].key: it is that of "
                                    "validators[%] of incarnation %: make a new consensus key",
                                    k, i, n, j);
                }
            }
        }
    }
    return true;
}

enum status lineage_check(const struct lineage *lineage, char *ret_error, size_t capacity)
{
    const struct complaint complaint = {.text = ret_error, .capacity = capacity};
    if (lineage->count == 0 || lineage->count > LINEAGE_MAX) {
        (void)COMPLAIN(&complaint, "% incarnations: expected 1 to %", lineage->count, LINEAGE_MAX);
        return STATUS_MALFORMED;
    }
    for (uint32_t k = 0; k < lineage->count; k++) {
        const struct genesis *own = lineage->incarnations[k].genesis;
        if (own->incarnation != k) {
            (void)COMPLAIN(&complaint, "incarnation: %, where the document of incarnation % stands",
                           own->incarnation, k);
            return STATUS_MALFORMED;
        }
        if (k > 0 && (!check_root(lineage, k, &complaint) ||
                      !check_head(own, lineage->incarnations[k - 1].genesis, &complaint) ||
                      !check_keys(lineage, k, &complaint))) {
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

/* ---- Looking up ---- */

const struct incarnation *lineage_first(const struct lineage *lineage)
{
    CHECK(lineage->count > 0);
    return &lineage->incarnations[0];
}

const struct incarnation *lineage_newest(const struct lineage *lineage)
{
    CHECK(lineage->count > 0 && lineage->count <= LINEAGE_MAX);
    return &lineage->incarnations[lineage->count - 1];
}

const struct incarnation *lineage_at_height(const struct lineage *lineage, uint64_t height)
{
    const struct incarnation *found = lineage_first(lineage);
    for (uint32_t k = 1; k < lineage->count; k++) {
        if (height > lineage->incarnations[k].genesis->root_height) {
            found = &lineage->incarnations[k];
        }
    }
    return found;
}

const struct incarnation *lineage_at_epoch(const struct lineage *lineage, uint64_t epoch)
{
    const struct incarnation *found = lineage_first(lineage);
    for (uint32_t k = 1; k < lineage->count; k++) {
        if (epoch > lineage->incarnations[k].genesis->root_epoch) {
            found = &lineage->incarnations[k];
        }
    }
    return found;
}

const struct incarnation *lineage_root_block(const struct lineage *lineage, uint64_t height)
{
    for (uint32_t k = 1; k < lineage->count; k++) {
        if (height == lineage->incarnations[k].genesis->root_height + 1) {
            return &lineage->incarnations[k];
        }
    }
    return NULL;
}

const struct incarnation *lineage_after(const struct lineage *lineage, const struct hash *chain_id)
{
    for (uint32_t k = 0; k + 1 < lineage->count; k++) {
        if (hash_equal(&lineage->incarnations[k].chain_id, chain_id)) {
            return &lineage->incarnations[k + 1];
        }
    }
    return NULL;
}

bool lineage_has(const struct lineage *lineage, const struct hash *chain_id)
{
    for (uint32_t k = 0; k < lineage->count; k++) {
        if (hash_equal(&lineage->incarnations[k].chain_id, chain_id)) {
            return true;
        }
    }
    return false;
}

uint64_t incarnation_first_epoch(const struct incarnation *incarnation)
{
    return incarnation->genesis->root_epoch + 1;
}
