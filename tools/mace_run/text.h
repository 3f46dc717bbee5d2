// Text of files and of the command line, to be shown on a terminal.
#ifndef TOOLS_MACE_RUN_TEXT_H_
#define TOOLS_MACE_RUN_TEXT_H_

#include <string>
#include <string_view>

namespace mace_run {

// Control characters (of ASCII, and U+0080 to U+009F in UTF-8) become escapes: \n, \x1b. Nothing in a name
// can forge lines or drive the terminal.
std::string Printable(std::string_view text);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_TEXT_H_
