// SPDX-License-Identifier: BSL-1.0
#pragma once
// The same request, asked of another model: for the alternatives of a fallback.
//
//     auto const cheaper = llm::with_model(openai.chat, "gpt-4o-mini");

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/llm/json.hpp>
#include <coffer/llm/provider.hpp>
#include <coffer/llm/reply.hpp>
#include <coffer/llm/request.hpp>

#include <concepts>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

/// An operation that asks one model, whatever the request, or its `extra`, names. Made by `with_model`.
///
/// Target and estimate are those of that model. The fingerprint is that of the request as it was given: under a key it is
/// the same request, whoever is asked. Each attempt has a copy of the request. Thread safety: that of `Operation`.
template <provider<request, reply> Operation>
class model_operation {
public:
    /// Made by `with_model`.
    model_operation(Operation op, std::string model) : op_{std::move(op)}, model_{std::move(model)} {}

    /// One send of the request, with this model's name in it.
    [[nodiscard]] awaitable<outcome<answer>> operator()(attempt& a, request const& r) const {
        return run(op_, a, renamed(r));
    }
    /// The operation's.
    [[nodiscard]] outcome<reply> decode(answer const& a) const { return op_.decode(a); }
    /// The operation's.
    [[nodiscard]] billed bill(answer const& a) const { return op_.bill(a); }
    /// Of the request as it was given.
    [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const { return op_.fingerprint(r); }
    /// The operation's, with this model.
    [[nodiscard]] coffer::target target(request const&) const { return op_.target(request{model_}); }
    /// Of the request with this model's name in it.
    [[nodiscard]] coffer::estimate estimate(request const& r) const { return op_.estimate(renamed(r)); }
    /// The operation's, and the model.
    void describe(composition& to) const {
        if constexpr (described_in_words<Operation>) op_.describe(to);
        to.with(model_);
    }

private:
    [[nodiscard]] request renamed(request r) const {
        if (r.extra().find("model") != std::string::npos) {  // it would win over everything else
            if (auto extra = detail::parse_json(r.extra()); extra && extra->is_object() && extra->erase("model") > 0)
                r.extra(extra->dump());
        }
        return std::move(r).model(model_);
    }
    static awaitable<outcome<answer>> run(Operation op, attempt& a, request r) {
        auto running = op(a, r);
        co_return co_await std::move(running);
    }

    Operation op_;
    std::string model_;
};

/// `op` asking `model`. Both are copied.
template <provider<request, reply> Operation>
[[nodiscard]] model_operation<Operation> with_model(Operation op, std::string model) {
    return {std::move(op), std::move(model)};
}

}  // namespace coffer::inline COFFER_ABI::llm
