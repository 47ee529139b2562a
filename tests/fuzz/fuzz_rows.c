/*
 * Fuzzes the decoders of what stands in files and in the store (docs/formats.md): rows of
 * consensus and of blocks, the vote register, rows that prove a key, receipts, evidence files,
 * genesis.json and CSV. Whatever is accepted must encode to the very bytes that it was decoded
 * from, or, where a text has many layouts, be written and read again as the same.
 *
 * Input: u8, which decoder; then the bytes. A register's slots, which are mostly zero, and an
 * evidence file's head are completed from fewer bytes, their checksum and chain id made right.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/csv.h"
#include "cli/evidence_file.h"
#include "cli/receipt_file.h"
#include "node/evidence.h"
#include "node/genesis_file.h"
#include "node/given_keys.h"
#include "node/register.h"
#include "node/rows.h"
#include "tests/support/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const int fuzz_random_inputs;
const int fuzz_random_inputs = 6000;

static struct folder folder;
static char error[512];

static void end_folder(void)
{
    folder_remove(&folder);
}

/* A file of this name with these bytes; the path lives until the fourth call from now. */
static const char *file_of(const char *name, const void *data, size_t size)
{
    if (folder.path[0] == '\0') {
        folder_make(&folder);
        CHECK(atexit(end_folder) == 0);
    }
    const char *path = folder_file(&folder, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(write(fd, data, size) == (ssize_t)size);
    CHECK(close(fd) == 0);
    return path;
}

/* ---- Rows ---- */

static void votes(struct span row)
{
    uint8_t again[ROW_VOTE_BYTES];
    struct vote vote;
    if (row_vote_decode(row, &vote) == STATUS_OK) {
        row_vote_encode(&vote, again);
        CHECK(row.length == sizeof again && memcmp(again, row.data, sizeof again) == 0);
    }
}

static void certificates(struct span row)
{
    static uint8_t again[ROW_CERTIFICATE_BYTES_MAX];
    struct certificate certificate;
    if (row_certificate_decode(row, &certificate) == STATUS_OK) {
        CHECK(row_certificate_encode(&certificate, again) == row.length);
        CHECK(memcmp(again, row.data, row.length) == 0);
    }
}

static void blocks(struct span row)
{
    static uint8_t again[ROW_BLOCK_BYTES_MAX];
    static struct block_row block;
    if (row_block_decode(row, &block) == STATUS_OK) {
        CHECK(row_block_encode(&block.header, block.batch_ids,
                               block.has_finalization ? &block.finalization : NULL,
                               again) == row.length);
        CHECK(memcmp(again, row.data, row.length) == 0);
    }
}

static void finals(struct span row)
{
    uint8_t again[ROW_FINAL_BYTES];
    struct final_point point;
    if (row_final_decode(row, &point) == STATUS_OK) {
        row_final_encode(&point, again);
        CHECK(row.length == sizeof again && memcmp(again, row.data, sizeof again) == 0);
    }
}

static void evidence_rows(struct span row)
{
    uint8_t again[ROW_EVIDENCE_BYTES];
    struct evidence evidence;
    if (row_evidence_decode(row, &evidence) == STATUS_OK) {
        row_evidence_encode(&evidence, again);
        CHECK(row.length == sizeof again && memcmp(again, row.data, sizeof again) == 0);
    }
}

static void conflicts(struct span row)
{
    static uint8_t again[ROW_CONFLICT_BYTES_MAX];
    static struct certificate pair[2];
    uint32_t count = 0;
    if (row_conflict_decode(row, pair, &count) == STATUS_OK) {
        CHECK(count == 1 || count == 2);
        CHECK(row_conflict_encode(count == 2 ? &pair[0] : NULL, &pair[count - 1], again) ==
              row.length);
        CHECK(memcmp(again, row.data, row.length) == 0);
    }
}

static void evidence_bodies(struct span body)
{
    uint8_t again[EVIDENCE_BODY_BYTES];
    struct evidence evidence;
    if (evidence_of_body(body, &evidence) == STATUS_OK) {
        CHECK(evidence_convicting(&evidence));
        evidence_to_body(&evidence, again);
        CHECK(body.length == sizeof again && memcmp(again, body.data, sizeof again) == 0);
    }
}

/* ---- The vote register ---- */

#define REGISTER_CHECKSUM_AT (REGISTER_SLOT_BYTES - HASH_BYTES)
#define REGISTER_SEQUENCE_AT 16
#define REGISTER_OWNER_AT 24

/* The first half of the bytes begins slot 0, the second slot 1; the last byte's two bits say whose
   checksum is left as it is. Returns the file's bytes. */
static void register_bytes(struct span bytes, uint8_t ret_file[REGISTER_FILE_BYTES])
{
    const size_t half = bytes.length / 2;
    memset(ret_file, 0, REGISTER_FILE_BYTES);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *slot = ret_file + i * REGISTER_SLOT_BYTES;
        memcpy(slot, bytes.data + i * half,
               half < REGISTER_SLOT_BYTES ? half : REGISTER_SLOT_BYTES);
        if ((bytes.data[bytes.length - 1] >> i & 1) == 0) {
            const struct hash checksum = hash_of(&PURPOSE_CHECKSUM, slot, REGISTER_CHECKSUM_AT);
            memcpy(slot + REGISTER_CHECKSUM_AT, checksum.bytes, HASH_BYTES);
        }
    }
}

/* What was read is written again: to the other slot, and the same but for sequence and checksum. */
static void registers(struct span bytes)
{
    static uint8_t before[REGISTER_FILE_BYTES], after[REGISTER_FILE_BYTES];
    struct public_key owner;
    struct register_file *file = NULL;
    if (bytes.length < 2 * (REGISTER_OWNER_AT + sizeof owner)) {
        return;
    }
    register_bytes(bytes, before);
    memcpy(&owner, before + REGISTER_OWNER_AT, sizeof owner);
    const char *path = file_of("register", before, sizeof before);
    if (register_open(path, &owner, &file, error, sizeof error) != STATUS_OK) {
        return;
    }
    const struct vote_register content = *register_current(file);
    const bool bound = register_is_bound(file);
    if (bound) {
        CHECK(register_write(file, &content) == STATUS_OK);
    }
    register_close(file);
    if (!bound) {
        return;
    }
    CHECK(register_open(path, &owner, &file, error, sizeof error) == STATUS_OK);
    CHECK(register_current(file)->view == content.view);
    register_close(file);
    CHECK(file_get(path, after, sizeof after) == sizeof after);
    const size_t written = memcmp(before, after, REGISTER_SLOT_BYTES) != 0 ? 0 : 1;
    for (size_t at = 0; at < REGISTER_CHECKSUM_AT; at++) {
        const bool sequence = at >= REGISTER_SEQUENCE_AT && at < REGISTER_OWNER_AT;
        CHECK(sequence || after[written * REGISTER_SLOT_BYTES + at] ==
                              before[(1 - written) * REGISTER_SLOT_BYTES + at]);
    }
}

/* ---- Keys that actions gave ---- */

static void given_keys(struct span rows)
{
    static struct validator_set set = {.epoch = 1, .count = 4};
    char name[GIVEN_KEYS_NAME_BYTES];
    struct public_key key;
    for (uint32_t participant = 1; participant < 4; participant++) {
        const enum status status = given_keys_in_rows(rows, &set, participant, 1, &key, name);
        CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_MALFORMED);
    }
}

/* ---- Files of the command line ---- */

/* Complaints about what is refused are expected. */
static FILE *silence(void)
{
    static FILE *nowhere;
    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "w");
        CHECK(nowhere != NULL);
    }
    FILE *old = stderr;
    stderr = nowhere;
    return old;
}

static size_t write_receipt(const char *path, const struct held *held, uint8_t *ret,
                            size_t capacity)
{
    const struct receipt_facts facts = {.block = {.timestamp_ms = 1790000000000}};
    CHECK(receipt_file_write(path, held, &facts) == EXIT_CLEAN);
    return file_get(path, ret, capacity);
}

static void receipts(struct span text)
{
    static uint8_t first[1 << 20], second[1 << 20];
    struct held *held = held_new();
    const char *path = file_of("receipt", text.data, text.length);
    FILE *old = silence();
    const int code = receipt_file_read(path, held);
    stderr = old;
    if (code == EXIT_CLEAN) {
        struct held *again = held_new();
        const size_t length = write_receipt(path, held, first, sizeof first);
        CHECK(receipt_file_read(path, again) == EXIT_CLEAN);
        CHECK(write_receipt(path, again, second, sizeof second) == length);
        CHECK(length == sizeof first || memcmp(first, second, length) == 0);
        held_free(again);
    }
    held_free(held);
}

/* The network of the corpus' genesis.json. */
static const struct lineage *network(void)
{
    static struct genesis genesis;
    static struct lineage lineage;
    static uint8_t text[1 << 16];
    if (lineage.count == 0) {
        const size_t length =
            file_get(HEFU_SOURCE_DIR "/tests/fuzz/corpus/rows/genesis", text, sizeof text);
        CHECK(length > 1);
        const enum status status = genesis_text_read((const char *)text + 1, length - 1, "genesis",
                                                     &genesis, error, sizeof error);
        CHECK(status == STATUS_OK);
        const struct hash chain_id = genesis_file_chain_id(&genesis);
        lineage_single(&lineage, &genesis, &chain_id);
    }
    return &lineage;
}

static void evidence_files(struct span bytes)
{
    static struct proof proof;
    static struct validator_set set;
    static uint8_t file[1 << 16] = "HEFUEVD";
    const size_t head = 24 + HASH_BYTES;
    if (bytes.length < 3 || bytes.length > sizeof file - head) {
        return;
    }
    put_le32(file + 8, bytes.data[0] == 255 ? 2 : 1);
    put_le32(file + 12, bytes.data[1]);
    put_le32(file + 16, bytes.data[2]);
    memcpy(file + 24, network()->incarnations[0].chain_id.bytes, HASH_BYTES);
    memcpy(file + head, bytes.data + 3, bytes.length - 3);
    const char *path = file_of("evidence", file, head + bytes.length - 3);
    FILE *old = silence();
    const int code = evidence_file_check(path, network(), &proof, &set);
    stderr = old;
    CHECK(code == EXIT_INTEGRITY || code == EXIT_CLEAN);
}

/* ---- Texts ---- */

static struct hash identity(const struct genesis *genesis)
{
    return genesis_file_chain_id(genesis);
}

static void genesis_texts(struct span text)
{
    struct genesis genesis, again;
    if (genesis_text_read((const char *)text.data, text.length, "text", &genesis, error,
                          sizeof error) != STATUS_OK) {
        CHECK(memchr(error, 0, sizeof error) != NULL);
        return;
    }
    const char *path = file_of("genesis", "", 0);
    CHECK(genesis_file_write(path, &genesis, error, sizeof error) == STATUS_OK);
    CHECK(genesis_file_read(path, &again, error, sizeof error) == STATUS_OK);
    const struct hash a = identity(&genesis), b = identity(&again);
    CHECK(hash_equal(&a, &b));
    genesis_free(&genesis);
    genesis_free(&again);
}

/* Each row, written and read again, has the same fields. A line with one empty field is the one
   thing that no line says: it is an empty line. */
static void csv_texts(struct span text)
{
    static struct csv_reader reader, again;
    static char written[4 * CSV_ROW_BYTES_MAX];
    if (text.length == 0) {
        return;
    }
    FILE *file = fmemopen((void *)(uintptr_t)text.data, text.length, "r");
    CHECK(file != NULL);
    csv_open(&reader, file);
    enum csv_result result;
    while ((result = csv_next(&reader)) != CSV_END) {
        CHECK(result == CSV_ROW || result == CSV_BAD);
        if (result == CSV_BAD || (reader.field_count == 1 && reader.fields[0][0] == '\0')) {
            continue;
        }
        FILE *out = fmemopen(written, sizeof written, "w+");
        CHECK(out != NULL);
        CHECK(fputs("head\n", out) >= 0);
        for (unsigned i = 0; i < reader.field_count; i++) {
            CHECK(i == 0 || fputc(',', out) == ',');
            csv_write_field(out, reader.fields[i]);
        }
        CHECK(fflush(out) == 0 && fseek(out, 0, SEEK_SET) == 0);
        csv_open(&again, out);
        CHECK(csv_next(&again) == CSV_ROW && csv_next(&again) == CSV_ROW);
        CHECK(again.field_count == reader.field_count);
        for (unsigned i = 0; i < reader.field_count; i++) {
            CHECK(strcmp(again.fields[i], reader.fields[i]) == 0);
        }
        CHECK(fclose(out) == 0);
    }
    CHECK(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(struct span) = {
        votes,          certificates,    blocks,    finals,     evidence_rows,
        conflicts,      evidence_bodies, registers, given_keys, receipts,
        evidence_files, genesis_texts,   csv_texts};
    if (size < 2) {
        return 0;
    }
    decoders[data[0] % (sizeof decoders / sizeof decoders[0])]((struct span){data + 1, size - 1});
    return 0;
}
