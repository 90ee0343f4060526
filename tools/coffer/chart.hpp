// SPDX-License-Identifier: BSL-1.0
#pragma once
// Spend over time as a picture: one bar a day, so that the day on which it went wrong is plain to see.

#include "spend_table.hpp"

#include <string>

namespace coffer_command {

/// An SVG document: a bar for each row, settled below, presumed lighter on top, the dearest one labelled.
std::string chart(spend_table const& rows, std::string const& title);

}  // namespace coffer_command
