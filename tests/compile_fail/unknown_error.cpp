// SPDX-License-Identifier: BSL-1.0
// expect: what an error of this type means is not known: declare `coffer::fault to_fault.E const&.` beside E
#include <coffer/call/pipeline.hpp>

#include <tl/expected.hpp>

namespace mine {
struct error {};
#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::fault to_fault(error const&) { return coffer::fault{coffer::fault_kind::transient}; }
#endif
}  // namespace mine

coffer::awaitable<tl::expected<int, mine::error>> operation() { co_return 7; }

auto ask(coffer::call& call) { return coffer::pipeline{}.wrap(operation).try_call(call); }
