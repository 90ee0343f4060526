// SPDX-License-Identifier: BSL-1.0
#include "arguments.hpp"

#include <coffer/base/decimal.hpp>
#include <coffer/store/record_text.hpp>

#include <asio/io_context.hpp>

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "text.hpp"

namespace coffer_command {
namespace {

/// `90s`, `30m`, `12h`, `7d`.
std::optional<std::chrono::nanoseconds> parse_age(std::string const& text) {
    std::int64_t n = 0;
    auto const* const end = text.data() + text.size();
    auto const [unit, bad] = std::from_chars(text.data(), end, n);
    if (bad != std::errc{} || n < 0 || unit + 1 != end) return std::nullopt;
    std::int64_t const seconds = *unit == 's' ? 1 : *unit == 'm' ? 60 : *unit == 'h' ? 3600 : *unit == 'd' ? 86400 : 0;
    if (seconds == 0 || n > std::numeric_limits<std::int64_t>::max() / 1'000'000'000 / seconds) return std::nullopt;
    return std::chrono::seconds{n * seconds};
}

/// `2026-11-22`, `2026-11-22T03:04:05Z`. Nothing for what the calendar has not got, 30 February.
std::optional<coffer::wall_time_point> parse_moment(std::string const& text) {
    constexpr int first_year = 1678;  // that nanoseconds since 1970 can count, whole
    constexpr int last_year = 2261;
    std::tm parts{};
    auto const* end = ::strptime(text.c_str(), "%Y-%m-%d", &parts);
    if (end != nullptr && *end == 'T') end = ::strptime(end, "T%H:%M:%S", &parts);
    if (end != nullptr && *end == 'Z') ++end;
    if (end == nullptr || *end != '\0') return std::nullopt;
    auto const year = parts.tm_year + 1900;
    if (year < first_year || year > last_year) return std::nullopt;
    auto corrected = parts;
    auto const seconds = ::timegm(&corrected);
    auto const written = [](std::tm const& t) {
        return std::array{t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec};
    };
    if (written(corrected) != written(parts)) return std::nullopt;
    return std::chrono::system_clock::from_time_t(seconds);
}

/// `namespace:hex`, of a whole digest.
std::optional<coffer::record_id> name_in(std::string const& text) {
    constexpr std::size_t digest_bytes = 32;
    auto id = coffer::record_id_from_text(text);
    if (id && id->digest.size() != digest_bytes) id.reset();
    return id;
}

}  // namespace

CLI::Option* add_file(CLI::App& to, std::filesystem::path& file) {
    return to.add_option("FILE", file, "the store's file, e.g. coffer.db")->required();
}

CLI::Option* add_namespace(CLI::App& to, std::string& name_space) {
    return to.add_option("--namespace", name_space, "only keys whose first part is this")->type_name("N");
}

CLI::Option* add_older_than(CLI::App& to, std::chrono::nanoseconds& age) {
    auto const take = [&age](std::string const& text) {
        auto const parsed = parse_age(text);
        if (!parsed) throw CLI::ValidationError{"--older-than", "'" + text + "' is no time; e.g. 90s, 30m, 12h, 7d"};
        age = *parsed;
    };
    return to
        .add_option_function<std::string>("--older-than", take,
                                          "only keys to which nothing has happened for so long: 90s, 30m, 12h, 7d")
        ->type_name("AGE");
}

CLI::Option* add_state(CLI::App& to, std::optional<coffer::record_state>& state) {
    auto const take = [&state](std::string const& text) {
        state = coffer::state_from_text(text, coffer::record_state::expired);
        if (!state)
            throw CLI::ValidationError{"--state", "'" + text +
                                                      "' is no state; free, claimed, sent, answered, done, failed, "
                                                      "unknown, acked, expired"};
    };
    return to
        .add_option_function<std::string>(
            "--state", take,
            "only keys in this state: free, claimed, sent, answered, done, failed, unknown, acked, expired")
        ->type_name("S");
}

CLI::Option* add_json(CLI::App& to, bool& json) {
    return to.add_flag("--json", json, "for programs: JSON, one object a line");
}

CLI::Option* add_moment(CLI::App& to, std::string const& option, coffer::wall_time_point& moment,
                        std::string const& help) {
    auto const take = [&moment, option](std::string const& text) {
        auto const parsed = parse_moment(text);
        if (!parsed)
            throw CLI::ValidationError{option, "'" + text +
                                                   "' is no day or time that there is; e.g. 2026-11-22, "
                                                   "2026-11-22T03:04:05Z"};
        moment = *parsed;
    };
    return to.add_option_function<std::string>(option, take, help)->type_name("DAY");
}

void check_range(coffer::wall_time_point from, coffer::wall_time_point to) {
    if (from < to) return;
    throw CLI::ValidationError{"--to", "nothing lies between --from " + iso_time(from) + " and --to " + iso_time(to) +
                                           ": --from is the first moment, --to the one after the last"};
}

CLI::Option* add_count(CLI::App& to, std::string const& option, std::size_t& count, std::string const& help,
                       std::size_t least) {
    auto const take = [&count, option, least](std::string const& text) {
        std::size_t n = 0;
        auto const* const end = text.data() + text.size();
        auto const [rest, bad] = std::from_chars(text.data(), end, n);
        if (bad != std::errc{} || rest != end || n < least)
            throw CLI::ValidationError{option, "'" + text + "' is no number of things to show; " +
                                                   std::to_string(least) + " or more, e.g. 20"};
        count = n;
    };
    return to.add_option_function<std::string>(option, take, help)->type_name("COUNT");
}

CLI::Option* add_scope(CLI::App& to, std::string& scope) {
    return to.add_option("--scope", scope, "only this scope and those inside it")->type_name("S");
}

bool is_known_scope(coffer::sqlite::ledger_reader& ledger, std::filesystem::path const& file,
                    std::string const& scope) {
    if (scope.empty() || !ledger.accounts(scope).empty()) return true;
    std::cerr << "coffer: nothing is accounted for in the scope '" << printable(scope)
              << "'; is it spelt as `coffer limits --all " << coffer::shell_word(file.string()) << "` shows it?\n";
    return false;
}

coffer::money dollars_of(std::string const& text) {
    auto const read = coffer::detail::read_decimal(text, 9);
    if (!read || read->rounded_up)
        throw CLI::ValidationError{"AMOUNT",
                                   "'" + text + "' is no amount of dollars, to the nano-dollar; e.g. 25, 0.10"};
    return coffer::money::from_nano(read->units);
}

CLI::Option* add_body_keys(CLI::App& to, std::vector<std::string>& named) {
    return to
        .add_option("--body-key", named,
                    "a key of encrypted answers: its name, and a file with its 64 hexadecimal digits; the first is the "
                    "one that new answers are encrypted under")
        ->type_name("NAME=FILE")
        ->allow_extra_args(false);
}

void add_examples(CLI::App& to, std::string const& lines) { to.footer("Examples:\n" + lines); }

coffer::record_id parse_id(std::string const& text) {
    if (auto id = name_in(text)) return *std::move(id);
    throw CLI::ValidationError{"ID",
                               "'" + text + "' is not a record's name; `coffer list` prints them (namespace:hex)"};
}

coffer::record_id parse_job(std::string const& text) {
    if (auto id = name_in(text)) return *std::move(id);
    throw CLI::ValidationError{"JOB", "'" + text + "' is not a job's name; `coffer jobs` prints them (namespace:hex)"};
}

body_keys read_body_keys(std::vector<std::string> const& named) {
    std::shared_ptr<coffer::crypto::key_ring> keys;
    for (auto const& one : named) {
        auto const equals = one.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
            throw CLI::ValidationError{"--body-key", "name the key and its file, e.g. 2026-11=key.hex"};
        auto const name = one.substr(0, equals);
        auto const file = one.substr(equals + 1);
        std::ifstream in{file, std::ios::binary};
        // A line's end belongs to the file, not to the key.
        std::string digits{std::istreambuf_iterator<char>{in}, {}};
        digits.erase(std::find_if(digits.begin(), digits.end(), [](char c) { return c == '\n' || c == '\r'; }),
                     digits.end());
        if (!in) throw std::runtime_error{file + ": cannot be read"};
        try {
            auto const key = coffer::crypto::secret_key::from_hex(digits);
            if (!keys) keys = std::make_shared<coffer::crypto::key_ring>(name, key);
            else keys->also_read(name, key);
        } catch (std::invalid_argument const& e) {
            throw std::runtime_error{file + ": " + e.what()};
        }
    }
    return keys;
}

coffer::sqlite::store open_store(std::filesystem::path const& file, body_keys keys) {
    coffer::sqlite::options options;
    options.body_keys = std::move(keys);
    return coffer::sqlite::store{coffer::sqlite::detail::existing_file(file), options};
}

void run_to_end(coffer::awaitable<void> work) {
    asio::io_context io;
    std::exception_ptr error;
    auto const ended = [&error](std::exception_ptr e) { error = e; };
    asio::co_spawn(io, std::move(work), ended);
    io.run();
    if (error) std::rethrow_exception(error);
}

}  // namespace coffer_command
