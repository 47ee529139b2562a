/* documents: see documents.h. */
#include "cli/documents.h"

#include "cli/args.h"
#include "node/genesis_file.h"

#define ERROR_BYTES 1024

int documents_read(const char *path, struct lineage_file *ret_documents)
{
    char error[ERROR_BYTES] = "";
    struct validator_set set;
    enum status status = lineage_file_read(path, ret_documents, error, sizeof error);
    if (status == STATUS_NOT_FOUND) {
        status = lineage_file_read_newest(path, ret_documents, error, sizeof error);
    }
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    if (documents_set(lineage_newest(&ret_documents->lineage), &set) != STATUS_OK) {
        complain("%s: the validators do not form a set", path);
        lineage_file_free(ret_documents);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

const struct incarnation *documents_of_chain(const struct lineage *lineage,
                                             const struct hash *chain_id)
{
    for (uint32_t i = 0; i < lineage->count; i++) {
        if (hash_equal(&lineage->incarnations[i].chain_id, chain_id)) {
            return &lineage->incarnations[i];
        }
    }
    return NULL;
}

enum status documents_set(const struct incarnation *incarnation, struct validator_set *ret_set)
{
    return genesis_validator_set(incarnation->genesis, incarnation_first_epoch(incarnation),
                                 ret_set);
}
