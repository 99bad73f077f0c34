/**
 * Filters and sorts the certificates' table, and shows it a page at a time: a browser lays out fifty rows in an
 * instant and thousands in seconds. On paper all that passes the filter is printed. Without the script the page shows
 * everything, soonest expiry first.
 */
export const SCRIPT = `
const SIZE=50,byId=id=>document.getElementById(id);
const table=byId('certificates'),body=table.tBodies[0],rows=[...body.rows],heads=[...table.tHead.rows[0].cells];
const text=byId('filter'),status=byId('status'),count=byId('count'),pages=byId('pages'),previous=byId('previous'),following=byId('following');
const {compare}=new Intl.Collator('en',{numeric:true}),hays=new Map();
let matching=rows,page=0;
document.querySelector('.tools').hidden=false;
const hay=row=>{let found=hays.get(row);if(found===undefined)hays.set(row,found=row.textContent.toLowerCase());return found};
function show(){const first=page*SIZE,shown=matching.slice(first,first+SIZE);
body.replaceChildren(...shown);
pages.hidden=matching.length<=SIZE;
pages.children[1].textContent=(first+1)+'–'+(first+shown.length)+' of '+matching.length;
previous.disabled=page===0;following.disabled=first+SIZE>=matching.length}
function filter(){const words=text.value.toLowerCase().split(/[\\s/]+/).filter(Boolean),wanted=status.value;
matching=rows.filter(row=>(wanted===''||row.classList.contains(wanted))&&words.every(word=>hay(row).includes(word)));
page=0;count.textContent=matching.length+' of '+rows.length+' certificate'+(rows.length===1?'':'s');show()}
text.addEventListener('input',filter);status.addEventListener('change',filter);
previous.addEventListener('click',()=>{page--;show()});following.addEventListener('click',()=>{page++;show()});
addEventListener('beforeprint',()=>body.replaceChildren(...matching));addEventListener('afterprint',show);
for(const head of heads){const button=document.createElement('button');button.type='button';button.textContent=head.textContent;head.replaceChildren(button);
button.addEventListener('click',()=>{const up=head.getAttribute('aria-sort')!=='ascending';
for(const other of heads)other.removeAttribute('aria-sort');
head.setAttribute('aria-sort',up?'ascending':'descending');
const keys=new Map(rows.map(row=>[row,row.cells[head.cellIndex].textContent]));
rows.sort((a,b)=>(up?1:-1)*compare(keys.get(a),keys.get(b)));filter()})}
filter();
`;
