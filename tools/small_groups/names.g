# One line a group of order up to 100: "n i name", as GAP's StructureDescription writes it.
LoadPackage("smallgrp");;
out := OutputTextFile(target, false);;
SetPrintFormattingStatus(out, false);;
for n in [1 .. 100] do
  for i in [1 .. NumberSmallGroups(n)] do
    PrintTo(out, n, " ", i, " ", StructureDescription(SmallGroup(n, i)), "\n");
  od;
od;
CloseStream(out);
QUIT;
