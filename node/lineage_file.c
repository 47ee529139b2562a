/* lineage_file: reading all documents of a network (see lineage_file.h). */
#include "node/lineage_file.h"

#include <stdio.h>
#include <string.h>

#include "node/file.h"
#include "node/genesis_file.h"

#define PATH_BYTES_MAX 4096
#define SUFFIX ".json"

enum status lineage_file_path(const char *newest_path, uint32_t incarnation, char *ret_path,
                              size_t capacity)
{
    size_t stem = strlen(newest_path);
    const size_t suffix = sizeof SUFFIX - 1;
    if (stem > suffix && strcmp(newest_path + stem - suffix, SUFFIX) == 0) {
        stem -= suffix;
    }
    const int length =
        snprintf(ret_path, capacity, "%.*s.%u" SUFFIX, (int)stem, newest_path, incarnation);
    return length < 0 || (size_t)length >= capacity ? STATUS_OVERSIZED : STATUS_OK;
}

static enum status read_earlier(const char *newest_path, uint32_t newest, uint32_t k,
                                struct genesis *ret_genesis, char *ret_error, size_t capacity)
{
    char path[PATH_BYTES_MAX];
    enum status status = lineage_file_path(newest_path, k, path, sizeof path);
    if (status != STATUS_OK) {
        return error_set(status, ret_error, capacity, "%s: the path is too long", newest_path);
    }
    status = genesis_file_read(path, ret_genesis, ret_error, capacity);
    if (status == STATUS_NOT_FOUND) {
        return error_set(status, ret_error, capacity,
                         "%s: there is no such file, and %s is of incarnation %u, which needs the "
                         "documents of all incarnations before it beside it: copy it from another "
                         "node of this network",
                         path, newest_path, newest);
    }
    return status;
}

static enum status read_all(const char *newest_path, struct lineage_file *file, char *ret_error,
                            size_t capacity)
{
    struct genesis newest;
    char why[512] = "";
    enum status status = genesis_file_read(newest_path, &newest, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    const uint32_t last = newest.incarnation;
    if (last >= LINEAGE_MAX) {
        genesis_free(&newest);
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "%s: incarnation: %u is above %u, the last that this program knows",
                         newest_path, last, LINEAGE_MAX - 1);
    }
    file->documents[last] = newest;
    for (uint32_t k = 0; k < last && status == STATUS_OK; k++) {
        status = read_earlier(newest_path, last, k, &file->documents[k], ret_error, capacity);
    }
    if (status != STATUS_OK) {
        return status;
    }
    file->lineage.count = last + 1;
    for (uint32_t k = 0; k <= last; k++) {
        file->lineage.incarnations[k] = (struct incarnation){
            .genesis = &file->documents[k], .chain_id = genesis_file_chain_id(&file->documents[k])};
    }
    status = lineage_check(&file->lineage, why, sizeof why);
    if (status != STATUS_OK) {
        return error_set(status, ret_error, capacity,
                         "%s, with the earlier documents beside it: %s: take all of them from a "
                         "node whose newest chain id the operators have compared",
                         newest_path, why);
    }
    return STATUS_OK;
}

enum status lineage_file_read(const char *newest_path, struct lineage_file *ret_file,
                              char *ret_error, size_t capacity)
{
    memset(ret_file, 0, sizeof *ret_file);
    const enum status status = read_all(newest_path, ret_file, ret_error, capacity);
    if (status != STATUS_OK) {
        lineage_file_free(ret_file);
    }
    return status;
}

enum status lineage_file_read_newest(const char *newest_path, struct lineage_file *ret_file,
                                     char *ret_error, size_t capacity)
{
    memset(ret_file, 0, sizeof *ret_file);
    const enum status status =
        genesis_file_read(newest_path, &ret_file->documents[0], ret_error, capacity);
    if (status == STATUS_OK) {
        const struct hash chain_id = genesis_file_chain_id(&ret_file->documents[0]);
        lineage_single(&ret_file->lineage, &ret_file->documents[0], &chain_id);
    }
    return status;
}

void lineage_file_free(struct lineage_file *file)
{
    for (uint32_t k = 0; k < LINEAGE_MAX; k++) {
        genesis_free(&file->documents[k]);
    }
    memset(file, 0, sizeof *file);
}
