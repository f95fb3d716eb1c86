# Write one line a group: "n i code" for solvable groups (GAP's CodePcGroup),
# "n i [[images], ...]" of a faithful permutation representation for the others.
# Orders come in the variable `orders`, the file in `target`.
LoadPackage("smallgrp");;
SetPrintFormattingStatus("*stdout*", false);;
out := OutputTextFile(target, false);;
SetPrintFormattingStatus(out, false);;
for n in orders do
  for i in [1 .. NumberSmallGroups(n)] do
    G := SmallGroup(n, i);
    if IsSolvableGroup(G) then
      PrintTo(out, n, " ", i, " ", CodePcGroup(G), "\n");
    else
      H := Image(SmallerDegreePermutationRepresentation(Image(IsomorphismPermGroup(G))));
      d := LargestMovedPoint(H);
      PrintTo(out, n, " ", i, " ", List(SmallGeneratingSet(H), g -> ListPerm(g, d)), "\n");
    fi;
  od;
od;
CloseStream(out);
PrintTo("*stdout*", "GAP ", GAPInfo.Version, ", SmallGrp ", InstalledPackageVersion("smallgrp"), "\n");
QUIT;
