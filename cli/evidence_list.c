/* evidence_list: stored and recorded evidence of a home (see evidence_list.h). */
#include "cli/evidence_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/evidence.h"
#include "node/rows.h"

/* batch id 32, height u64, position u32, reserved 4. */
#define RECORDED_ROW_BYTES 48

static struct evidence_item *add(struct evidence_list *list)
{
    if (list->count == list->capacity) {
        list->capacity = 2 * list->capacity + 16;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        CHECK(list->items != NULL);
    }
    struct evidence_item *item = &list->items[list->count++];
    memset(item, 0, sizeof *item);
    return item;
}

static bool take_place(struct evidence_item *item, struct span row)
{
    if (row.length != RECORDED_ROW_BYTES) {
        return false;
    }
    item->recorded = true;
    memcpy(item->batch.bytes, row.data, HASH_BYTES);
    item->height = get_le64(row.data + HASH_BYTES);
    return true;
}

/* The other certificate stands in the certificates table if the row has only one. */
static bool read_conflict(struct home *home, struct span value, struct proof *proof)
{
    uint32_t count = 0;
    if (row_conflict_decode(value, proof->certificates, &count) != STATUS_OK) {
        return false;
    }
    proof->of_certificates = true;
    for (enum vote_kind kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE && count == 1; kind++) {
        uint8_t key[KEY_VIEW_BYTES];
        struct span row;
        key_view(proof->certificates[0].epoch, proof->certificates[0].view, kind, key);
        if (kind != proof->certificates[0].kind && kind != VOTE_NOTARIZE &&
            store_get(home->store, STORE_CERTIFICATES, key, sizeof key, &row) &&
            row_certificate_decode(row, &proof->certificates[1]) == STATUS_OK) {
            count = 2;
        }
    }
    return true;
}

static bool read_stored(struct home *home, struct span key, struct span value,
                        struct evidence_list *list)
{
    struct evidence_item *item = add(list);
    uint8_t recorded[EVIDENCE_RECORDED_KEY_BYTES];
    struct span row;
    item->stored = true;
    if (key.length != KEY_EVIDENCE_BYTES) {
        return false;
    }
    if (get_be32(key.data + KEY_VIEW_BYTES) == EVIDENCE_CERTIFICATES) {
        return read_conflict(home, value, &item->proof);
    }
    if (row_evidence_decode(value, &item->proof.votes) != STATUS_OK ||
        !evidence_convicting(&item->proof.votes)) {
        return false;
    }
    evidence_recorded_key(&item->proof.votes, recorded);
    return !store_get(home->store, (enum store_table)TABLE_EVIDENCE, recorded, sizeof recorded,
                      &row) ||
           take_place(item, row);
}

static bool is_listed(const struct evidence_list *list, struct span key)
{
    for (uint32_t i = 0; i < list->count; i++) {
        uint8_t own[EVIDENCE_RECORDED_KEY_BYTES];
        if (list->items[i].proof.of_certificates) {
            continue;
        }
        evidence_recorded_key(&list->items[i].proof.votes, own);
        if (key.length == sizeof own && memcmp(own, key.data, sizeof own) == 0) {
            return true;
        }
    }
    return false;
}

/* A batch has no checksum, but its id is its header's hash, and the header has the body's root. */
static bool is_whole(const struct batch *batch, const struct hash *id)
{
    const struct hash root = batch_body_root(batch->body, batch->body_length);
    return hash_equal(&batch->id, id) && hash_equal(&root, &batch->header.records_root);
}

/* What a block recorded and this node did not see itself: the votes stand in the batch. */
static bool read_recorded(struct home *home, struct span key, struct span value,
                          struct evidence_list *list)
{
    struct span bytes;
    struct batch batch;
    if (is_listed(list, key)) {
        return true;
    }
    struct evidence_item *item = add(list);
    if (!take_place(item, value) ||
        !store_get(home->store, STORE_BATCHES, item->batch.bytes, HASH_BYTES, &bytes) ||
        batch_parse(bytes.data, bytes.length,
                    &lineage_at_height(&home->documents.lineage, item->height)->chain_id, &batch,
                    NULL) != STATUS_OK) {
        return false;
    }
    return is_whole(&batch, &item->batch) &&
           evidence_of_body((struct span){.data = batch.body, .length = batch.body_length},
                            &item->proof.votes) == STATUS_OK;
}

static bool walk(struct home *home, enum store_table table, struct evidence_list *list,
                 bool (*take)(struct home *home, struct span key, struct span value,
                              struct evidence_list *list))
{
    uint8_t from[KEY_EVIDENCE_BYTES + EVIDENCE_RECORDED_KEY_BYTES] = {0};
    size_t length = 0;
    struct span key, value;
    while (store_seek(home->store, table, from, length, &key, &value)) {
        if (key.length >= sizeof from) {
            return false;
        }
        memcpy(from, key.data, key.length);
        from[key.length] = 0; /* the next key: one zero more */
        length = key.length + 1;
        const struct span copy = {.data = from, .length = key.length};
        if (!take(home, copy, value, list)) {
            return false;
        }
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct evidence_item *a = left;
    const struct evidence_item *b = right;
    const uint64_t as[] = {proof_epoch(&a->proof), proof_view(&a->proof),
                           a->proof.of_certificates ? 0 : a->proof.votes.first.signer};
    const uint64_t bs[] = {proof_epoch(&b->proof), proof_view(&b->proof),
                           b->proof.of_certificates ? 0 : b->proof.votes.first.signer};
    for (unsigned i = 0; i < 3; i++) {
        if (as[i] != bs[i]) {
            return as[i] < bs[i] ? -1 : 1;
        }
    }
    return 0;
}

int evidence_list_read(struct home *home, struct evidence_list *ret_list)
{
    struct evidence_list list = {0};
    const char *table = "evidence";
    bool good = walk(home, STORE_EVIDENCE, &list, read_stored);
    if (good) {
        table = "recorded evidence";
        good = walk(home, (enum store_table)TABLE_EVIDENCE, &list, read_recorded);
    }
    if (!good) {
        evidence_list_free(&list);
        return home_failure(STATUS_CORRUPT, "a row of the %s", table);
    }
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof *list.items, compare);
    }
    *ret_list = list;
    return EXIT_CLEAN;
}

void evidence_list_free(struct evidence_list *list)
{
    free(list->items);
    memset(list, 0, sizeof *list);
}
