// SPDX-License-Identifier: BSL-1.0
#include "export_file.hpp"

#include <nlohmann/json.hpp>

#include <csv.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace coffer_command {
namespace {

using row = std::vector<std::string>;
constexpr std::initializer_list<char const*> usual_ids{"request_id", "generation_id", "x_request_id", "response_id",
                                                       "id"};
constexpr std::initializer_list<char const*> usual_costs{"cost_usd", "cost",   "total_cost", "cost_total",
                                                         "spend",    "amount", "usd"};

struct collector {
    std::vector<row> rows;
    row current;
};

void on_field(void* data, std::size_t size, void* to) {
    static_cast<collector*>(to)->current.emplace_back(data == nullptr ? "" : static_cast<char const*>(data), size);
}
void on_row(int, void* to) {
    auto& c = *static_cast<collector*>(to);
    c.rows.push_back(std::move(c.current));
    c.current.clear();
}

/// Lower case, with underscores: `Request ID` is `request_id`.
std::string plain(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
        return c == ' ' || c == '-' ? '_' : c;
    });
    return text;
}

std::size_t column(row const& heads, std::string const& wanted, std::initializer_list<char const*> usual,
                   char const* option) {
    if (!wanted.empty()) {
        auto const at = std::find(heads.begin(), heads.end(), wanted);
        if (at == heads.end()) throw std::runtime_error{"the export has no column " + printable(wanted)};
        return static_cast<std::size_t>(at - heads.begin());
    }
    for (auto const* const name : usual)
        for (std::size_t i = 0; i < heads.size(); ++i)
            if (plain(heads[i]) == name) return i;
    // A file that is no export may hold anything, a secret too.
    if (heads.size() < 2)
        throw std::runtime_error{"the first line has one column only; a provider's usage export as CSV has several"};
    std::string names;
    for (auto const& h : heads) names += (names.empty() ? "" : ", ") + printable(h);
    constexpr std::size_t most = 300;
    if (names.size() > most) names = names.substr(0, most) + " ...";
    throw std::runtime_error{std::string{"none of the export's columns has a usual name; say which it is with "} +
                             option + " NAME. There are: " + names};
}

void take(usage_export& to, std::string const& id, std::string const& cost) {
    ++to.lines;
    auto text = cost;
    if (text.starts_with('$')) text.erase(0, 1);
    auto const amount = dollars_rounded_up(text);
    if (id.empty()) ++to.without_id;
    else if (amount) to.cost[id] += *amount;
    else {
        ++to.without_cost;
        to.without_amount.insert(id);
    }
}

usage_export from_csv(std::string const& text, std::string const& id_column, std::string const& cost_column) {
    csv_parser parser;
    collector all;
    if (csv_init(&parser, CSV_APPEND_NULL) != 0) throw std::runtime_error{"the CSV reader could not be set up"};
    auto const read = csv_parse(&parser, text.data(), text.size(), on_field, on_row, &all);
    auto const ended = csv_fini(&parser, on_field, on_row, &all);
    auto const why = csv_error(&parser);
    csv_free(&parser);
    if (read != text.size() || ended != 0)
        throw std::runtime_error{std::string{"the export is no CSV: "} + csv_strerror(why)};
    if (all.rows.empty()) throw std::runtime_error{"the export is empty"};
    auto const& heads = all.rows.front();
    auto const id = column(heads, id_column, usual_ids, "--id-column");
    auto const cost = column(heads, cost_column, usual_costs, "--cost-column");
    usage_export found;
    for (std::size_t i = 1; i < all.rows.size(); ++i) {
        auto const& r = all.rows[i];
        take(found, id < r.size() ? r[id] : "", cost < r.size() ? r[cost] : "");
    }
    return found;
}

std::string text_of(nlohmann::json const& value) {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string{} : value.dump();
}

usage_export from_json_lines(std::string const& text, std::string id_column, std::string cost_column) {
    usage_export found;
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        auto const end = std::min(text.find('\n', begin), text.size());
        auto const line = text.substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        auto const j = nlohmann::json::parse(line, nullptr, false);
        if (!j.is_object())
            throw std::runtime_error{"line " + std::to_string(number) + " of the export is no JSON object"};
        if (found.lines == 0) {  // the first line tells what the columns are called
            row heads;
            for (auto const& [name, value] : j.items()) heads.push_back(name);
            id_column = heads[column(heads, id_column, usual_ids, "--id-column")];
            cost_column = heads[column(heads, cost_column, usual_costs, "--cost-column")];
        }
        take(found, text_of(j.value(id_column, nlohmann::json{})), text_of(j.value(cost_column, nlohmann::json{})));
    }
    return found;
}

}  // namespace

usage_export read_export(std::filesystem::path const& file, std::string id_column, std::string cost_column) {
    std::ifstream in{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in) throw std::runtime_error{"the export " + file.string() + " cannot be read"};
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    auto const first = text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && text[first] == '{')
        return from_json_lines(text, std::move(id_column), std::move(cost_column));
    return from_csv(text, id_column, cost_column);
}

}  // namespace coffer_command
