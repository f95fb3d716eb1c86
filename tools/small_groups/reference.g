# One line a group of order up to 128: "n i [[degree, indicator, how many], ...]".
LoadPackage("smallgrp");;
out := OutputTextFile(target, false);;
SetPrintFormattingStatus(out, false);;
for n in [1 .. 128] do
  for i in [1 .. NumberSmallGroups(n)] do
    t := CharacterTable(SmallGroup(n, i));
    chi := Irr(t);
    found := Collected(List([1 .. Length(chi)], k -> [chi[k][1], Indicator(t, 2)[k]]));
    PrintTo(out, n, " ", i, " ", List(found, c -> [c[1][1], c[1][2], c[2]]), "\n");
  od;
od;
CloseStream(out);
QUIT;
