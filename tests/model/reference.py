"""Reference data of the naive model: its rows as bytes, and whether they fit together as a genesis
must. Written from docs/formats.md (Genesis, Stored tables) and docs/ledger.md (Actions) alone.

A set of reference data is a dict of tables by name, each a dict of rows by key.
"""

import struct

import form

PARTICIPANTS, LIMITS, SERVICES, SCHEMES, CALENDARS, PARAMETERS = 7, 8, 9, 10, 20, 21
TABLES = {
    "participants": PARTICIPANTS,
    "limits": LIMITS,
    "services": SERVICES,
    "schemes": SCHEMES,
    "calendars": CALENDARS,
    "parameters": PARAMETERS,
}
COUNTS = {"keys": 16, "cutoffs": 16, "fee_rules": 16, "holidays": 256, "workdays": 256}
ACT = 2
NETWORK_ROLE = 4
NO_KEY = bytes(32)
VALIDATOR_KEYS = 2**31

DECODERS = {
    "participants": form.participant_of,
    "limits": lambda reader: reader.take(*form.LIMIT),
    "services": form.service_of,
    "schemes": form.scheme_of,
    "calendars": form.calendar_of,
    "parameters": form.parameters_of,
}


def decode(table, data):
    """The row; None if the bytes have not the form of one."""
    reader = form.Reader(data)
    try:
        row = DECODERS[table](reader)
    except struct.error:
        return None
    fits = all(len(row.get(name, ())) <= most for name, most in COUNTS.items())
    return row if fits and reader.at == len(data) else None


def pack(shape, row):
    layout, names = shape
    return struct.pack("<" + layout, *(row[name] for name in names.split()))


def numbers(layout, values):
    return b"".join(struct.pack("<" + layout, value) for value in values)


def encode(table, row):
    if table == "participants":
        keys = b"".join(pack(form.KEY, key) for key in row["keys"])
        return pack(form.PARTICIPANT, row | {"key_count": len(row["keys"])}) + keys
    if table == "limits":
        return pack(form.LIMIT, row)
    if table == "services":
        head = pack(form.SERVICE, row | {"cutoff_count": len(row["cutoffs"])})
        return head + numbers("H", row["cutoffs"])
    if table == "schemes":
        rules = b"".join(pack(form.FEE_RULE, rule) for rule in row["fee_rules"])
        return pack(form.SCHEME, row | {"fee_rule_count": len(row["fee_rules"])}) + rules
    if table == "calendars":
        holidays, workdays = row["holidays"], row["workdays"]
        counts = {"holiday_count": len(holidays), "workday_count": len(workdays)}
        return pack(form.CALENDAR, row | counts) + numbers("I", holidays + workdays)
    policies = b"".join(pack(form.POLICY, policy) for policy in row["policies"])
    return pack(form.PARAMETERS, row) + policies


def key_of(table, key):
    """The key of a stored row."""
    if table == "participants":
        return struct.pack(">I", key)
    if table == "limits":
        return struct.pack(">IH", *key)
    return b"parameters" if table == "parameters" else struct.pack(">H", key)


def stored(table, rows):
    """Ascending by key."""
    return sorted((key_of(table, key), encode(table, row)) for key, row in rows.items())


# -- whether it fits together --


def is_text(field, may_be_empty=False):
    text, _, rest = field.partition(b"\0")
    if len(text) == len(field) or any(rest) or (not text and not may_be_empty):
        return False
    return all(byte >= 0x20 and byte != 0x7F for byte in text)


def ascends(values):
    return all(a < b for a, b in zip(values, values[1:]))


def is_date(number):
    return 19700101 <= number <= 99991231 and form.date_of(number) is not None


def participant_fits(data, row):
    texts = is_text(row["bic"], True) and is_text(row["clearing_code"], True)
    if not is_text(row["name"]) or not texts:
        return False
    if not 1 <= row["roles"] <= 255 or row["status"] not in (1, 2):
        return False
    sponsor = row["settles_through"]
    if sponsor:
        other = data["participants"].get(sponsor)
        if other is None or sponsor == row["number"] or other["settles_through"]:
            return False
    return keys_fit(row["keys"])


def keys_fit(keys):
    """The number of a removed key may stand last, without anything else."""
    if not ascends([key["key_no"] for key in keys]):
        return False
    if any(not 1 <= key["key_no"] < VALIDATOR_KEYS for key in keys):
        return False
    if keys and is_removed(keys[-1]):
        keys = keys[:-1]
    return all(1 <= key["permissions"] <= 3 and key["key"] != NO_KEY for key in keys)


def is_removed(key):
    return key["key"] == NO_KEY and key["permissions"] == 0


def service_fits(data, row):
    fits = row["number"] >= 1 and row["mode"] in (1, 2) and row["settlement"] in (1, 2)
    fits = fits and is_text(row["name"]) and row["currency"] in data["currencies"]
    fits = fits and ascends(row["cutoffs"]) and all(minute < 1440 for minute in row["cutoffs"])
    fits = fits and (row["calendar"] == 0 or row["calendar"] in data["calendars"])
    fits = fits and row["settlement_days"] <= 30 and row["settle_minute"] <= 1439
    return fits and row["flags"] <= 1


def scheme_fits(data, row):
    service, network = data["services"].get(row["service"]), row["network"]
    if row["number"] < 1 or service is None:
        return False
    if network:
        party = data["participants"].get(network)
        if party is None or not party["roles"] & NETWORK_ROLE:
            return False
    sides = 7 if network else 3
    if not row["submitters"] or row["submitters"] & ~sides or row["confirmations"] not in (1, 2):
        return False
    if not is_text(row["name"]) or row["flags"] > 3:
        return False
    if service["mode"] == form.GROSS and (row["chargeback_s"] or row["flags"] & 2):
        return False
    needed = row["represent_s"] and row["answer_s"] and network
    if row["pre_arbitrate_s"] and not needed:
        return False
    return all(rule_fits(rule, network) for rule in row["fee_rules"])


def rule_fits(rule, network):
    first, last = rule["from_date"], rule["to_date"]
    fits = is_date(first) and (last == 0 or (is_date(last) and last >= first))
    fits = fits and rule["mcc_from"] <= rule["mcc_to"] <= 9999
    fits = fits and rule["fee"] in ((1, 2, 3) if network else (1,))
    fits = fits and 1 <= rule["rounding"] <= 4 and abs(rule["rate_ppm"]) <= 10**6
    fits = fits and rule["reserved"] == 0 and max(rule["minimum"], rule["cap"]) < form.MANY
    return fits and (rule["cap"] == 0 or rule["cap"] >= rule["minimum"])


def calendar_fits(row):
    holidays, workdays = row["holidays"], row["workdays"]
    fits = row["number"] >= 1 and row["weekend"] <= 127 and is_text(row["name"])
    fits = fits and all(is_date(day) for day in holidays + workdays)
    fits = fits and ascends(holidays) and ascends(workdays)
    return fits and not set(holidays) & set(workdays)


def parameters_fit(row):
    fits = 1 <= row["queue_max"] <= 10000 and 1 <= row["queue_quota"] <= row["queue_max"]
    fits = fits and row["fund_share_ppm"] <= 10**6 and row["reserved"] == 0
    return fits and all(
        policy["kind"] == form.FIRST_POLICY + at
        and 1 <= policy["approvals"] <= 16
        and 1 <= policy["proposers"] <= 255
        and 1 <= policy["approvers"] <= 255
        and policy["lapse_s"] >= 60
        for at, policy in enumerate(row["policies"])
    )


def fits_together(data):
    people = data["participants"].values()
    channels = [row["transport_key"] for row in people if any(row["transport_key"])]
    keys = [key["key"] for row in people for key in row["keys"] if key["key"] != NO_KEY]
    return (
        len(set(channels)) == len(channels)
        and len(set(keys)) == len(keys)
        and all(participant_fits(data, row) for row in people)
        and all(row["flags"] <= 1 for row in data["limits"].values())
        and all(service_fits(data, row) for row in data["services"].values())
        and all(scheme_fits(data, row) for row in data["schemes"].values())
        and all(calendar_fits(row) for row in data["calendars"].values())
        and all(parameters_fit(row) for row in data["parameters"].values())
    )


# -- nobody is locked out --


def acting(row):
    return sum(key["permissions"] & ACT != 0 for key in row["keys"])


def can_be_satisfied(data, policy):
    """By one who proposes, and others who approve, each once; the maker with another key."""
    most = 0
    people = data["participants"]
    for number, maker in people.items():
        if not maker["roles"] & policy["proposers"] or not acting(maker):
            continue
        keys = 1
        for other, row in people.items():
            needed = 2 if other == number else 1
            keys += row["roles"] & policy["approvers"] != 0 and acting(row) >= needed
        most = max(most, keys)
    return most >= policy["approvals"]


def locks_out(before, after):
    pairs = zip(before["parameters"][""]["policies"], after["parameters"][""]["policies"])
    return any(
        can_be_satisfied(before, old) and not can_be_satisfied(after, new) for old, new in pairs
    )
