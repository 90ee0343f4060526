// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a fault makes of an endpoint's answer and of its bill. Pure: no socket, no ledger.

#include <cstdint>
#include <string>

#include "api/endpoint.hpp"
#include "faults/fault.hpp"

namespace provider_sim {

/// The answer that is put on the wire, in place of the endpoint's or made from it.
http_answer apply_fault(fault const& f, http_answer answer, provider_shape const& provider, std::int64_t now_unix_us);

/// How many bytes of a body of this size the fault lets out.
std::size_t delivered_bytes(fault const& f, std::size_t payload_bytes);

/// What is billed of `full`. `generated_so_far` bills the output in proportion to the body that will be delivered,
/// rounded up, unless the rule gives generated_tokens.
usage billed_usage(fault const& f, usage const& full, std::size_t payload_bytes);

}  // namespace provider_sim
