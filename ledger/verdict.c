/* verdict: names and sentences (see verdict.h). */
#include "ledger/verdict.h"

#include <stddef.h>
#include <string.h>

struct verdict_text {
    uint16_t number;
    const char *name;
    const char *sentence;
};

#define VERDICT_ROW(number, name, sentence) {number, #name, sentence},
static const struct verdict_text VERDICTS[] = {VERDICT_TABLE(VERDICT_ROW)};
#undef VERDICT_ROW

#define VERDICT_COUNT (sizeof VERDICTS / sizeof VERDICTS[0])

static const struct verdict_text *find(unsigned number)
{
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        if (VERDICTS[i].number == number) {
            return &VERDICTS[i];
        }
    }
    return NULL;
}

const char *verdict_name(unsigned number)
{
    const struct verdict_text *text = find(number);
    return text == NULL ? NULL : text->name;
}

const char *verdict_sentence(unsigned number)
{
    const struct verdict_text *text = find(number);
    return text == NULL ? NULL : text->sentence;
}

int verdict_of_name(const char *name)
{
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        if (strcmp(VERDICTS[i].name, name) == 0) {
            return VERDICTS[i].number;
        }
    }
    return -1;
}

bool verdict_is_accepted(unsigned number)
{
    return number < VERDICT_EXISTS ||
           (number >= VERDICT_EXCEPTION_PAYER && number <= VERDICT_EXCEPTION_BUSINESS_DATE);
}

int verdict_at(unsigned at)
{
    return at < VERDICT_COUNT ? VERDICTS[at].number : -1;
}
