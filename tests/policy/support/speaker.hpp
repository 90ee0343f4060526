// SPDX-License-Identifier: BSL-1.0
#pragma once
// Providers that each speak a language of their own: an answer of one cannot be read by another.

#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>

#include "policy/support/provider.hpp"

#include <memory>
#include <string>
#include <utility>

namespace support {

/// An operation of provider `name` and model `model`. What the script answers, "hello", comes as "<name>|hello" and is read
/// as "hello from <name>/<model>"; anything else than "<name>|" it takes for defective.
class speaker {
public:
    explicit speaker(std::string name, std::string model = "m") : name_{std::move(name)}, model_{std::move(model)} {}

    /// Its script and what it has seen.
    support::provider script;

    class operation {
    public:
        operation(support::provider::chat inner, std::string name, std::string model)
            : inner_{std::move(inner)}, name_{std::move(name)}, model_{std::move(model)} {}
        coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, request const& r) const {
            return run(inner_, name_, a, r);
        }
        [[nodiscard]] coffer::target target(request const&) const { return {name_, model_}; }
        [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const { return inner_.fingerprint(r); }
        [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
            auto raw = a;
            if (!raw.body.starts_with(name_ + "|"))
                return coffer::failed(coffer::fault_kind::defective_answer, "this is not the language of " + name_);
            raw.body.erase(0, name_.size() + 1);
            auto text = inner_.decode(raw);
            if (!text) return text;
            return *text + " from " + name_ + "/" + model_;
        }
        [[nodiscard]] coffer::billed bill(coffer::answer const& a) const { return inner_.bill(a); }

    private:
        static coffer::awaitable<coffer::outcome<coffer::answer>> run(support::provider::chat inner, std::string name,
                                                                      coffer::attempt& a, request const& r) {
            auto running = inner(a, r);
            auto got = co_await std::move(running);
            if (got) got->body.insert(0, name + "|");
            co_return got;
        }
        support::provider::chat inner_;
        std::string name_;
        std::string model_;
    };
    [[nodiscard]] operation op() const { return {script.operation(), name_, model_}; }
    /// The same provider, asked for another model.
    [[nodiscard]] operation op_of(std::string model) const { return {script.operation(), name_, std::move(model)}; }

private:
    std::string name_;
    std::string model_;
};

}  // namespace support
