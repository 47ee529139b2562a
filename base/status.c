/* status: names and sentences of the status codes, from the table in status.h. */
#include "base/status.h"

#define STATUS_NAME(name, sentence) #name,
static const char *const names[] = {STATUS_TABLE(STATUS_NAME)};
#undef STATUS_NAME

#define STATUS_SENTENCE(name, sentence) sentence,
static const char *const sentences[] = {STATUS_TABLE(STATUS_SENTENCE)};
#undef STATUS_SENTENCE

const char *status_name(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? names[status] : "UNKNOWN";
}

const char *status_text(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? sentences[status] : "an unknown status";
}
