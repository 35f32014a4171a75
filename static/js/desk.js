// The page's own behaviours; each finds its elements by a data- attribute.
import "./keys.js";
import "./editor.js";
import "./typed.js";
import "./attach.js";
import "./envelope.js";
import "./lost.js";
import "./comparison.js";
import "./queue.js";
import "./evidence.js";
import "./countdown.js";
import "./dialogs.js";
import "./images.js";
import "./notices.js";
import "./printing.js";
import "./copy.js";
import "./labels.js";
import "./macros.js";
