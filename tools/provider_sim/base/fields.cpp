// SPDX-License-Identifier: BSL-1.0
#include "base/fields.hpp"

#include <algorithm>

#include "base/bad_input.hpp"

namespace provider_sim {
namespace {

std::string shown(json const& value) {
    auto text = to_line(value);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
}

std::string shown(double value) { return json(value).dump(); }

}  // namespace

fields::fields(json const& object, std::string where, std::string path)
    : object_{&object}, where_{std::move(where)}, path_{std::move(path)} {
    if (!object.is_object())
        throw bad_input{where_ + ": " + (path_.empty() ? "it" : path_) + " must be a JSON object, not " +
                        shown(object)};
}

json const* fields::find(std::string_view name) {
    asked_.push_back(name);
    auto const it = object_->find(std::string{name});
    return it == object_->end() ? nullptr : &*it;
}

std::optional<std::int64_t> fields::integer(std::string_view name, std::int64_t low, std::int64_t high) {
    json const* const value = find(name);
    if (value == nullptr) return std::nullopt;
    auto const too_big = value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX};
    if (value->is_number_integer() && !too_big) {
        auto const number = value->get<std::int64_t>();
        if (number >= low && number <= high) return number;
    }
    fail(name, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high), value);
}

std::optional<double> fields::number(std::string_view name, double low, double high) {
    json const* const value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) {
        auto const number = value->get<double>();
        if (number >= low && number <= high) return number;
    }
    fail(name, "must be a number from " + shown(low) + " to " + shown(high), value);
}

std::optional<bool> fields::flag(std::string_view name) {
    json const* const value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) fail(name, "must be true or false", value);
    return value->get<bool>();
}

std::optional<std::string> fields::text(std::string_view name) {
    json const* const value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) fail(name, "must be a string", value);
    return value->get<std::string>();
}

std::optional<fields> fields::object(std::string_view name) {
    json const* const value = find(name);
    if (value == nullptr) return std::nullopt;
    return fields{*value, where_, (path_.empty() ? "" : path_ + ".") + std::string{name}};
}

void fields::fail(std::string_view name, std::string const& what, json const* got) const {
    auto text = where_ + ": " + (path_.empty() ? "" : path_ + ".") + std::string{name} + " " + what;
    if (got != nullptr) text += ", not " + shown(*got);
    throw bad_input{text};
}

void fields::finish() const {
    for (auto const& [name, value] : object_->items()) {
        if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
        std::string known;
        for (auto const asked : asked_) known += (known.empty() ? "" : ", ") + std::string{asked};
        fail(name, "is unknown; known are: " + known);
    }
}

}  // namespace provider_sim
